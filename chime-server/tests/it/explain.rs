//! `chime-server explain`: from the store, and through the server that has it open.

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::process::{Process, without_settings};
use crate::signed::request;
use crate::wire::{Answer, KEY, SECRET, Server};

const APP: &str = "arn:aws:chime:us-east-1:123456789012:app-instance/a1";

fn explain(dir: &std::path::Path, further: &[&str]) -> (Option<i32>, String, String) {
    let mut command = without_settings(Command::new(env!("CARGO_BIN_EXE_chime-server")));
    let output = command.arg("explain").arg("--data-dir").arg(dir).args(further).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_running_server_and_its_closed_database_give_the_same_answers() {
    let dir = tempfile::tempdir().unwrap();
    let (user, channel) = (format!("{APP}/user/u"), format!("{APP}/channel/c"));
    let allowed = ["--principal", "root", "--action", "chime:CreateAppInstance"];
    let denied =
        ["--principal", "root", "--action", "chime:UpdateChannel", "--resource", &channel, "--as", &user];
    let unknown = ["--principal", "AKIANOBODYNOBODYNOBO", "--action", "chime:UpdateChannel"];

    let (code, _, error) = explain(dir.path(), &allowed);
    assert_eq!(code, Some(2), "nothing is made for a question");
    assert!(error.starts_with("chime-server: there is no database"), "{error}");
    assert!(!dir.path().join("chime.db").exists());

    let mut process = Process::start(dir.path(), &[]);
    process.greeting();
    let running = [explain(dir.path(), &allowed), explain(dir.path(), &denied)];
    assert_eq!((running[0].0, running[1].0), (Some(0), Some(1)), "{running:?}");
    assert!(running[0].1.ends_with("\nverdict: allowed\n"), "{running:?}");
    assert!(running[1].1.contains("denied by the bearer (UnauthorizedClientException, 401)"), "{running:?}");
    let (code, _, error) = explain(dir.path(), &unknown);
    assert_eq!(code, Some(2));
    assert!(error.contains("There is no principal `AKIANOBODYNOBODYNOBO`"), "{error}");

    process.signal(Signal::TERM);
    assert!(process.end_within(Duration::from_secs(10)).success());
    assert_eq!([explain(dir.path(), &allowed), explain(dir.path(), &denied)], running);
    let (code, _, error) = explain(dir.path(), &unknown);
    assert_eq!(code, Some(2));
    assert!(error.contains("there is no principal `AKIANOBODYNOBODYNOBO`"), "{error}");
}

#[test]
fn a_server_in_memory_whose_clock_was_moved_is_asked_too() {
    let dir = tempfile::tempdir().unwrap();
    let memory = ["--database", "memory:"];
    let question = ["--principal", "root", "--action", "chime:ListAppInstances"];
    let asked = [&memory[..], &question].concat();
    let (code, _, error) = explain(dir.path(), &asked);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("endpoints.json"), "{error}");

    let mut process = Process::start(dir.path(), &["--database", "memory:", "--test-clock"]);
    process.greeting();
    let mut stream = crate::process::connect(dir.path());
    let body = r#"{"AdvanceSeconds": 2592000}"#;
    let length = body.len();
    let head = format!("POST /_chime/clock HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
    std::io::Write::write_all(&mut stream, (head + body).as_bytes()).unwrap();
    assert_eq!(Answer::read(&mut stream).status, 200);
    let (code, text, error) = explain(dir.path(), &asked);
    assert_eq!(code, Some(0), "{error}");
    assert!(text.contains("chime:ListAppInstances on arn:aws:chime:us-east-1:123456789012:app-instance/*"));
}

#[test]
fn only_the_owner_may_ask_a_server() {
    let server = Server::start();
    let question = json!({ "Principal": "root", "Action": "chime:CreateAppInstance" }).to_string();
    server.post("/_chime/explain", &question).is_error(403, "MissingAuthenticationTokenException");
    server.get("/_chime/explain").is_error(405, "MethodNotAllowedException");

    let answer = server.signed("POST", "/_chime/explain", &question);
    assert_eq!((answer.status, answer.header("x-chime-verdict")), (200, Some("allowed")), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    for wrong in ["", "{}", r#"{"Principal": "root", "Action": "x", "More": 1}"#] {
        server.signed("POST", "/_chime/explain", wrong).is_error(400, "BadRequestException");
    }

    let (id, secret) = server.iam_user_who_may_do_everything();
    let as_user = |target: &str| server.send(&request((&id, &secret), "POST", target, &[], &question));
    let message = as_user("/_chime/explain").is_error(403, "AccessDeniedException");
    assert!(message.contains("user/deputy is not the owner"), "{message}");
    let asked = json!({ "Principal": id, "Action": "chime:CreateAppInstance" }).to_string();
    let answer = server.send(&request((KEY, SECRET), "POST", "/_chime/explain", &[], &asked));
    assert!(answer.body.starts_with("principal: arn:aws:iam::123456789012:user/deputy (User)"), "{answer:?}");
}

#[test]
fn questions_are_throttled_like_other_requests_and_their_bodies_bounded() {
    let server =
        Server::with(&[("CHIME_THROTTLE__REQUESTS_PER_SECOND", "1"), ("CHIME_THROTTLE__BURST", "3")]);
    let question = json!({ "Principal": "root", "Action": "chime:CreateAppInstance" }).to_string();
    let ask = || server.signed("POST", "/_chime/explain", &question);
    for _ in 0..3 {
        assert_eq!(ask().status, 200);
    }
    let answer = ask();
    answer.is_error(429, "ThrottledClientException");
    assert_eq!(answer.header("retry-after"), Some("1"));
    // Who cannot sign takes nothing from those who can, and questions nothing from other requests.
    server.post("/_chime/explain", &question).is_error(403, "MissingAuthenticationTokenException");
    assert_eq!(server.signed("GET", "/app-instances", "").status, 200);
    let large = " ".repeat(64 * 1024 + 1);
    server.signed("POST", "/_chime/explain", &large).is_error(413, "RequestEntityTooLargeException");
}

impl Server {
    /// The access key of a new IAM user called deputy.
    fn iam_user_who_may_do_everything(&self) -> (String, String) {
        use chime_domain::iam::{CreateUser, User};
        let iam = self.running().app().chime().iam();
        let policy: Value = json!({ "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
        self.runtime.block_on(async {
            let command = CreateUser { name: "deputy".into(), path: None, tags: Vec::new() };
            iam.create_user(command).await.unwrap();
            iam.put_inline_policy::<User>("deputy", "all", &policy.to_string()).await.unwrap();
            let key = iam.create_access_key("deputy").await.unwrap();
            (key.id, key.secret.0)
        })
    }
}
