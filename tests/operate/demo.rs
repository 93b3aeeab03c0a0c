//! `writ demo`, as a process of its own: what it tells, by lines and as JSON, and how its world goes on with `--stay`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use writ_person::{DECISION, WebBrowser};
use writ_platform::Https;

use super::init::{Folder, text};
use crate::process::{IN_TIME, binary};

const ESCAPE: char = '\u{1b}';

/// The command, whose temporary files are in this folder.
fn demo(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command
        .arg("demo")
        .args(arguments)
        .env_clear()
        .env("TMPDIR", &folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn played(name: &str, arguments: &[&str], more: &[(&str, &str)]) -> Output {
    let folder = Folder::new(name);
    let mut command = demo(&folder, arguments);
    let done = command.envs(more.iter().copied()).output().unwrap();
    assert!(
        done.status.success(),
        "{}{}",
        text(&done.stdout),
        text(&done.stderr)
    );
    assert_eq!(text(&done.stderr), "", "nothing else is written");
    assert_eq!(folder.names(), [""; 0], "nothing is left behind");
    done
}

/// Ports, identifiers and numbers to match are others each time.
fn lasting(line: &str) -> String {
    let mut lasting = String::new();
    let mut before = "";
    for word in line.split_inclusive([' ', '/', ':', ',']) {
        let bare = word.trim_end_matches([' ', '/', ':', ',']);
        let drawn = bare.starts_with("apr_")
            || (before.ends_with("localhost:") && bare.parse::<u16>().is_ok())
            || (before == "number " || before == "types ");
        match drawn {
            true => lasting.push_str(&word.replace(bare, "...")),
            false => lasting.push_str(word),
        }
        before = word;
    }
    lasting
}

#[test]
fn the_readme_shows_what_the_demo_tells() {
    let done = played("demo-lines", &[], &[]);
    let told = text(&done.stdout);
    assert!(!told.contains(ESCAPE), "no terminal, no colour");
    let lines: Vec<String> = told.lines().map(lasting).collect();
    assert!(lines.len() <= 40, "more than a screen: {}", lines.len());
    let readme = include_str!("../../README.md");
    let shown = readme.split("```text\n").nth(1).unwrap();
    let shown: Vec<String> = shown
        .split("```")
        .next()
        .unwrap()
        .lines()
        .map(lasting)
        .collect();
    assert_eq!(lines, shown, "what README.md shows of `writ demo`");
}

#[test]
fn colour_is_for_who_wants_it() {
    let forced = played("demo-colour", &["--auto"], &[("CLICOLOR_FORCE", "1")]);
    assert!(text(&forced.stdout).contains(ESCAPE));
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    let none = played("demo-no-colour", &["--auto"], &both);
    assert!(!text(&none.stdout).contains(ESCAPE));
}

#[test]
fn each_step_is_an_object_and_its_token_says_who_acts_for_whom() {
    let done = played("demo-json", &["--json"], &[("CLICOLOR_FORCE", "1")]);
    let steps: Vec<Value> = text(&done.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (number, step) in steps.iter().enumerate() {
        assert_eq!(step["step"], number + 1, "{step}");
        assert!(
            step["who"].is_string() && step["does"].is_string(),
            "{step}"
        );
    }
    let tokens: Vec<&Value> = steps.iter().filter_map(|step| step.get("token")).collect();
    for token in &tokens {
        let payload = token["text"].as_str().unwrap().split('.').nth(1).unwrap();
        let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(token["claims"], claims);
    }
    let [claude, planner, booker, once] = tokens[..] else {
        panic!("{} tokens", tokens.len());
    };
    let alice = claude["claims"]["sub"].as_str().unwrap();
    assert!(alice.starts_with("usr_"), "{alice}");
    let client = claude["claims"]["act"]["sub"].as_str().unwrap();
    assert!(client.starts_with("dyn_"), "{client}");
    for (token, actor) in [
        (planner, "agt_planner"),
        (booker, "agt_booker"),
        (once, "agt_planner"),
    ] {
        assert_eq!(token["claims"]["sub"], alice);
        assert_eq!(token["claims"]["act"]["sub"], actor);
        assert!(token["claims"]["cnf"]["jkt"].is_string(), "{token}");
    }
    assert_eq!(booker["claims"]["act"]["act"]["sub"], "agt_planner");
    assert_eq!(once["claims"]["approval"]["basis"], "passkey");
    let refused = steps.iter().filter_map(|step| step["refused"].as_array());
    let refused: Vec<&Value> = refused.flatten().collect();
    assert_eq!(refused.len(), 16);
    for one in refused {
        let status = one["status"].as_u64().unwrap();
        assert!([400, 401, 403].contains(&status), "{one}");
        assert!(one["error"].is_string(), "{one}");
    }
}

/// A demo that goes on.
struct Staying {
    child: Child,
    keys: ChildStdin,
    lines: Receiver<String>,
    folder: Folder,
}

impl Staying {
    fn start(name: &str) -> Self {
        let folder = Folder::new(name);
        let mut child = demo(&folder, &["--stay"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let keys = child.stdin.take().unwrap();
        let staying = Self {
            child,
            keys,
            lines,
            folder,
        };
        staying.until("q: the end");
        staying
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// The next line with these words.
    fn until(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(IN_TIME);
            let line = line.unwrap_or_else(|e| panic!("`{words}` is not told: {e}"));
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Ends well, and leaves nothing.
    fn ends(mut self) {
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{ended}");
        assert_eq!(self.folder.names(), [""; 0]);
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn a_person_decides_in_a_world_that_stays() {
    let mut demo = Staying::start("demo-stay");
    for answer in ["approve", "deny"] {
        demo.press("d\n");
        let line = demo.until("you are Alice: open ");
        let page = line
            .split("open ")
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap();
        let login: Vec<&str> = line.split('`').collect();
        let mut browser = WebBrowser::new(Arc::new(Https::new().unwrap()), page).unwrap();
        let form = browser.open(page).await.unwrap();
        let question = browser.log_in(&form, login[1], login[3]).await.unwrap();
        assert_eq!(question.url.as_str(), page, "the page is the question");
        let mut fields = question
            .filled(DECISION, &[("password", login[3])])
            .unwrap();
        if answer == "deny" {
            fields.retain(|(name, _)| ["csrf", "screen"].contains(&name.as_str()));
            fields.push((DECISION.to_owned(), "deny".to_owned()));
        }
        browser
            .send_form(&question, DECISION, &fields)
            .await
            .unwrap();
        demo.until(match answer {
            "approve" => "” is deleted",
            _ => "is told (denied)",
        });
    }
    demo.press("r");
    demo.until("a kite");
    demo.press("s");
    demo.until("stops Claude");
    demo.press("d");
    demo.until("401, its token");
    demo.until("`c` connects again");
    demo.press("cr");
    demo.until("c: Claude starts again as a client that nobody knows");
    demo.until("a kite");
    // A stop ends the call that waits, and not the world.
    demo.press("d");
    demo.until("you are Alice: open ");
    demo.press("d");
    demo.until("you are Alice: open ");
    demo.press("s");
    demo.until("nothing was done; `c` connects again");
    demo.press("x");
    demo.until("q: the end");
    demo.press("q");
    demo.until("q: the end: server, gate");
    demo.ends();
}

#[test]
fn a_signal_ends_the_world_and_leaves_nothing() {
    for signal in ["INT", "TERM"] {
        let demo = Staying::start(&format!("demo-{signal}"));
        let id = demo.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
        demo.ends();
    }
}
