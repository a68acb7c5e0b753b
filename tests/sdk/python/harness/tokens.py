"""A test OIDC issuer: a key pair, its JWKS file, and the tokens it signs."""

import json
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


class Issuer:
    """Signs tokens with a key of its own (RS256)."""

    def __init__(self, url="https://issuer.test", audience="chime-test", key_id="key-1"):
        self.url, self.audience, self.key_id = url, audience, key_id
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def write_jwks(self, path):
        public = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        path.write_text(json.dumps({"keys": [{**public, "kid": self.key_id, "use": "sig", "alg": "RS256"}]}))
        return path

    def token(self, subject="johndoe", *, now=None, lifetime=600, **claims):
        now = int(now or time.time())
        body = {"iss": self.url, "aud": self.audience, "sub": subject, "iat": now, "exp": now + lifetime, **claims}
        return jwt.encode(body, self._key, algorithm="RS256", headers={"kid": self.key_id})
