//! The console of operators: who opens it, by what, and everything that closes it.

use http::Method;
use serde_json::json;
use writ_server::operate::disable::{UserSwitch, switch_user};
use writ_testkit::{Cast, PASSWORD, Phone, TestBrowser, WebPage, World, both};

use super::registered::{cast_now, printed};
use super::suspend::writ;
use crate::house::server_routes;

const COOKIE: &str = "writ-console-loopback-default";
const MINUTE: u64 = 60;

/// Alice, who is an admin, with a passkey, at her phone.
async fn operator(world: &World) -> Phone {
    world.give_role("alice", "admin").await;
    world.enrolled_phone("alice", 1).await
}

async fn at_home(phone: &mut Phone) -> bool {
    is_home(&phone.browser.open("/admin").await)
}

fn is_home(page: &WebPage) -> bool {
    page.reply.text().contains("name=\"console-leave\"")
}

async fn log_in(world: &World, name: &str) -> TestBrowser {
    let mut browser = world.browser();
    let page = browser.open("/login").await;
    browser.log_in(&page, name, PASSWORD).await;
    browser
}

both!(
    an_operator_opens_the_console_with_a_passkey,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut phone = operator(&world).await;
        let page = phone.browser.open("/admin").await;
        assert_eq!(page.reply.status, 200);
        page.says("Open the console");
        assert!(!is_home(&page));
        let opened = phone.open_console("/admin").await;
        assert_eq!(opened.url.path(), "/admin");
        assert!(is_home(&opened), "{}", opened.reply.text());
        let html = opened.reply.text();
        assert!(html.contains("alice") && html.contains("admin"), "{html}");
        opened.says("21 September 2026");
        let events = world.events_named("console.opened").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].subject.as_deref(), Some(cast.alice.as_str()));
        assert_eq!(events[0].data["operator_role"], "admin");
        let passkey = phone.device.credential_ids()[0].clone();
        assert_eq!(events[0].data["proof"], json!({ "passkey": passkey }));
        // The person's own pages are as before.
        assert_eq!(phone.browser.open("/app").await.reply.status, 200);
        let left = phone.browser.open("/admin").await;
        let left = phone.browser.submit(&left, "console-leave", &[]).await;
        assert_eq!(left.url.path(), "/app", "still signed in there");
        assert!(!at_home(&mut phone).await);
        assert_eq!(world.events_named("console.closed").await.len(), 1);
    }
);

both!(nobody_else_comes_in, |world| async {
    Cast::of(&world).await;
    let signed_out = world.browser().open("/admin").await;
    assert_eq!(signed_out.url.path(), "/login");
    assert_eq!(signed_out.query("next").as_deref(), Some("/admin"));
    let mut alice = log_in(&world, "alice").await;
    let page = alice.open("/admin").await;
    assert_eq!(page.reply.status, 403);
    page.says("you don't operate this server");
    // An office, and no passkey.
    world.give_role("alice", "helpdesk").await;
    let page = alice.open("/admin").await;
    assert_eq!(page.reply.status, 403);
    page.says("you have none that counts here");
    assert!(page.reply.text().contains("href=\"/app/devices\""));
    // A passkey, and no office.
    world.add_user("bob", PASSWORD).await;
    let mut bob = world.enrolled_phone("bob", 2).await;
    let page = bob.open_console("/admin").await;
    assert_eq!(page.reply.status, 403);
    page.says("you don't operate this server");
    assert!(world.events_named("console.opened").await.is_empty());
});

both!(a_proof_is_of_this_person_for_this_act_once, |world| async {
    Cast::of(&world).await;
    let mut phone = operator(&world).await;
    world.add_user("bob", PASSWORD).await;
    let mut bob = world.enrolled_phone("bob", 2).await;
    let (mut own, mut others) = (phone.device.clone(), bob.device.clone());
    let send = async |phone: &mut Phone, assertion: String| {
        let fields = [("next", "/admin".to_owned()), ("assertion", assertion)];
        phone.post("/admin/enter", &fields).await
    };
    let to_add = phone.proof(&mut own, &[]).await.to_string();
    let of_bob = bob.proof(&mut others, &[]).await.to_string();
    for wrong in [String::new(), "{}".to_owned(), to_add, of_bob] {
        let page = send(&mut phone, wrong).await;
        assert_eq!(page.reply.status, 422);
        page.says("That was not one of your passkeys");
        assert!(!at_home(&mut phone).await);
    }
    let failed = world.events_named("login.failed").await;
    assert_eq!(failed.len(), 4);
    assert!(failed.iter().all(|event| event.data["within"] == "console"));
    let act = [("console", "open".to_owned())];
    let good = phone.proof(&mut own, &act).await.to_string();
    assert!(is_home(&send(&mut phone, good.clone()).await));
    assert_eq!(send(&mut phone, good).await.reply.status, 422, "once");
    // A form that is none of this browser's.
    let forged = [("csrf", "x".to_owned()), ("assertion", String::new())];
    for path in ["/admin/enter", "/admin/leave"] {
        let page = phone.browser.post(path, &forged).await;
        assert_eq!(page.reply.status, 403, "{path}");
    }
    assert!(at_home(&mut phone).await, "nothing closed it");
});

both!(only_pages_of_the_console_are_shown_next, |world| async {
    Cast::of(&world).await;
    let mut phone = operator(&world).await;
    for (wanted, shown) in [
        ("/admin", "/admin"),
        ("/app/agents", "/admin"),
        ("/admin/../app", "/admin"),
        ("https://evil.example/admin", "/admin"),
        ("//evil.example/admin", "/admin"),
        ("", "/admin"),
    ] {
        let page = phone.open_console(wanted).await;
        assert_eq!(page.url.path(), shown, "{wanted}");
        assert!(
            page.url.as_str().starts_with("http://localhost"),
            "{}",
            page.url
        );
    }
});

both!(it_closes_by_itself, |world| async {
    Cast::of(&world).await;
    let mut phone = operator(&world).await;
    phone.open_console("/admin").await;
    // Use keeps it open.
    for _ in 0..4 {
        world.advance(10 * MINUTE);
        assert!(at_home(&mut phone).await);
    }
    world.advance(14 * MINUTE);
    assert!(at_home(&mut phone).await);
    world.advance(15 * MINUTE);
    let closed = phone.browser.open("/admin").await;
    closed.says("Open the console");
    assert!(!is_home(&closed));
    assert_eq!(phone.browser.open("/app").await.url.path(), "/app");
    // After a working day, whatever is done in it.
    phone.sign_in("alice").await;
    phone.open_console("/admin").await;
    for _ in 0..47 {
        world.advance(10 * MINUTE);
        assert!(at_home(&mut phone).await);
    }
    world.advance(10 * MINUTE);
    assert!(!at_home(&mut phone).await);
});

/// What ends it at once.
const ENDS: [&str; 10] = [
    "role", "none", "disable", "remove", "passkey", "password", "sign out", "others", "sign in",
    "leave",
];

async fn end(world: &World, phone: &mut Phone, way: &str) {
    let run = |arguments: &[&str]| drop(printed(&writ(world, arguments)));
    match way {
        "role" => run(&["user", "change", "alice", "--role", "auditor"]),
        "none" => run(&["user", "change", "alice", "--role", "none"]),
        "disable" => {
            let mut transaction = world.begin().await;
            let (to, change) = (UserSwitch::Disable, world.change());
            let done = switch_user(&mut transaction, "alice", to, change).await;
            assert!(done.unwrap().is_some());
            transaction.commit().await.unwrap();
        }
        "remove" => run(&["user", "remove", "alice", "--yes"]),
        "passkey" => run(&["user", "passkeys", "alice", "--remove-all"]),
        "password" => {
            let stored = world.begin().await.user_by_name("alice").await.unwrap();
            let id = stored.unwrap().user.id;
            let mut transaction = world.begin().await;
            transaction.end_sessions_of(&id, world.now()).await.unwrap();
            transaction.commit().await.unwrap();
        }
        "sign out" => drop(phone.post("/logout", &[]).await),
        "others" => {
            let mut elsewhere = log_in(world, "alice").await;
            let page = elsewhere.open("/app/devices").await;
            elsewhere.submit(&page, "sessions-end-others", &[]).await;
        }
        "sign in" => drop(phone.sign_in("alice").await),
        "leave" => drop(phone.post("/admin/leave", &[]).await),
        other => panic!("{other}"),
    }
}

both!(it_closes_with_whatever_opened_it, |world| async {
    for way in ENDS {
        let world = World::new(world.database.kind).await;
        cast_now(&world).await;
        // Somebody else stays.
        world.add_user("root", PASSWORD).await;
        world.give_role("root", "admin").await;
        let mut phone = operator(&world).await;
        phone.open_console("/admin").await;
        assert!(at_home(&mut phone).await, "{way}");
        let cookie = phone.browser.cookies[COOKIE].clone();
        end(&world, &mut phone, way).await;
        phone.browser.cookies.insert(COOKIE.to_owned(), cookie);
        assert!(!at_home(&mut phone).await, "{way}");
        let forms = phone.post("/admin/leave", &[]).await;
        assert!(!is_home(&forms), "{way}");
    }
});

both!(its_cookie_is_of_one_browser, |world| async {
    Cast::of(&world).await;
    let mut phone = operator(&world).await;
    phone.open_console("/admin").await;
    let cookie = phone.browser.cookies[COOKIE].clone();
    // Alone it is nobody's, and beside another session of hers nothing.
    let mut alone = world.browser();
    alone.cookies.insert(COOKIE.to_owned(), cookie.clone());
    assert_eq!(alone.open("/admin").await.url.path(), "/login");
    let mut other = log_in(&world, "alice").await;
    other.cookies.insert(COOKIE.to_owned(), cookie.clone());
    assert!(!is_home(&other.open("/admin").await));
    for wrong in [String::new(), "x".repeat(43), format!("{cookie}x")] {
        phone.browser.cookies.insert(COOKIE.to_owned(), wrong);
        assert!(!at_home(&mut phone).await);
    }
    phone
        .browser
        .cookies
        .insert(COOKIE.to_owned(), cookie.clone());
    assert!(at_home(&mut phone).await);
    // Only its digest is stored, and only our own pages send it.
    assert!(!world.database.dump().await.contains(&cookie));
    let mut own = phone.device.clone();
    let act = [("console", "open".to_owned())];
    let assertion = phone.proof(&mut own, &act).await.to_string();
    let csrf = phone.browser.csrf();
    let cookies = phone.browser.cookies.iter();
    let cookies: Vec<_> = cookies
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let form = [("csrf", csrf.as_str()), ("assertion", assertion.as_str())];
    let headers = [("cookie", cookies.join("; "))];
    let headers = [(headers[0].0, headers[0].1.as_str())];
    let reply = world.post("/admin/enter", &form, &headers).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    let set = reply.header("set-cookie").unwrap_or_default().to_owned();
    for part in [
        COOKIE,
        "; Path=/;",
        "; HttpOnly",
        "; SameSite=Strict",
        "; Max-Age=28800",
    ] {
        assert!(set.contains(part), "{set}");
    }
});

both!(what_is_no_text_is_refused_behind_the_door, |world| async {
    Cast::of(&world).await;
    let mut phone = operator(&world).await;
    phone.open_console("/admin").await;
    let cookies = phone.browser.cookies.iter();
    let cookies: Vec<_> = cookies
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let cookies = cookies.join("; ");
    let form = "application/x-www-form-urlencoded";
    let headers = [("content-type", form), ("cookie", cookies.as_str())];
    for body in ["x=%ff", "x=%00"] {
        let sent = world.send(Method::POST, "/admin/leave", &headers, body.into());
        let reply = sent.await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text());
    }
    assert!(at_home(&mut phone).await);
});

both!(every_route_of_the_console_passes_its_door, |world| async {
    Cast::of(&world).await;
    let routes = server_routes();
    let routes = routes.into_iter().filter(|path| path.starts_with("/admin"));
    let routes: Vec<_> = routes.filter(|path| path != "/admin/enter").collect();
    assert!(routes.len() >= 2, "{routes:?}");
    // Nobody; somebody without an office; an operator whose console is closed.
    let mut nobody = world.phone(3);
    nobody.browser.open("/login").await;
    world.add_user("bob", PASSWORD).await;
    let mut bob = world.phone(4);
    bob.sign_in("bob").await;
    let mut alice = operator(&world).await;
    let before = world.events().await.len();
    for (phone, status) in [(&mut nobody, 200), (&mut bob, 403), (&mut alice, 200)] {
        for path in &routes {
            let path = path.replace("{id}", "x");
            for page in [
                phone.browser.open(&path).await,
                phone.post(&path, &[]).await,
            ] {
                // A method that the route does not have is told so.
                let known = [status, 405].contains(&page.reply.status);
                assert!(known && !is_home(&page), "{path}: {}", page.reply.status);
            }
        }
    }
    assert_eq!(world.events().await.len(), before);
});
