//! The audit log: denials and changes, in JSON, and nothing of what was carried.

use serde_json::Value;

use crate::signed::request;
use crate::wire::{KEY, SECRET, Server};

#[test]
fn denials_and_changes_are_in_the_audit_log_with_who_and_from_where_and_reads_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let server = Server::with(&[("CHIME_AUDIT_FILE", path.to_str().unwrap())]);
    let body = r#"{"Name":"a name that is nobody's business"}"#;
    assert_eq!(server.signed("POST", "/app-instances", body).status, 201);
    assert_eq!(server.signed("GET", "/app-instances", "").status, 200);
    let forged = request((KEY, "wrong"), "GET", "/app-instances", &[], "");
    server.send(&forged).is_error(403, "InvalidSignatureException");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        (text("Operation"), text("Outcome"), text("Path"))
    };
    let expected = [("CreateAppInstance", "done"), ("ListAppInstances", "denied")];
    let expected =
        expected.map(|(name, outcome)| (name.to_owned(), outcome.to_owned(), "/app-instances".to_owned()));
    assert_eq!(lines.iter().map(of).collect::<Vec<_>>(), expected);
    assert!(lines[0]["Caller"].as_str().unwrap().contains(":root"), "{text}");
    assert_eq!(lines[0]["SourceIp"], "127.0.0.1");
    assert_eq!(lines[1]["Error"], "InvalidSignatureException");
    for secret in ["business", SECRET, "Signature="] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
