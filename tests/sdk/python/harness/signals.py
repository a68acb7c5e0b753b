"""Signaling frames of meetings, read and written as plain protobuf: field numbers and values, without a schema."""

JOIN, JOIN_ACK, SUBSCRIBE, SUBSCRIBE_ACK, INDEX, LEAVE, LEAVE_ACK = 1, 2, 3, 4, 5, 9, 10
AUDIO_STREAM_ID_INFO, PING_PONG, AUDIO_STATUS, DATA_MESSAGE = 18, 19, 20, 22


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(fields):
    """Bytes of `(number, value)` pairs; a value is a number, a text, or the pairs of a message."""
    out = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
            continue
        content = value.encode() if isinstance(value, str) else encode(value)
        out += varint(number << 3 | 2) + varint(len(content)) + content
    return bytes(out)


def decode(content):
    """The fields of a message: number to the list of its values, messages and texts still as bytes."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = content[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(content):
        tag = number()
        if tag & 7 == 0:
            value = number()
        elif tag & 7 == 2:
            length = number()
            value = content[at:at + length]
            at += length
        else:
            raise ValueError(f"wire type {tag & 7}")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def frame(kind, *fields):
    """What goes over the WebSocket."""
    return b"\x05" + encode([(1, 1_700_000_000_000), (2, kind), *fields])


def read(message):
    """Kind and fields of what came over it."""
    assert message[0] == 5
    fields = decode(message[1:])
    return fields[2][0], fields
