//! Nobody locks alice out: guesses elsewhere pause neither her network, nor a browser in which she signed in before, nor what she proves
//! within her session.

use writ_testkit::{Cast, PASSWORD, Ready, TestBrowser, at_once, both, both_with};

const KNOWN: &str = "writ-known-loopback-default";
/// Of the documentation networks (RFC 5737, RFC 3849); where many sites are wanted, of those of benchmarks (RFC 2544).
const HOME: &str = "192.0.2.7";

async fn status(browser: &mut TestBrowser, name: &str, password: &str) -> u16 {
    let page = browser.open("/login").await;
    let page = browser.log_in(&page, name, password).await;
    match page.url.path() {
        "/app" => 303,
        _ => page.reply.status,
    }
}

async fn tries(browser: &mut TestBrowser, name: &str, password: &str, times: usize) -> Vec<u16> {
    let mut all = Vec::new();
    for _ in 0..times {
        all.push(status(browser, name, password).await);
    }
    all
}

both!(
    guesses_from_one_network_pause_that_network_alone,
    |world| async {
        Cast::of(&world).await;
        for (guesser, same, elsewhere) in [
            ("203.0.113.9", "203.0.113.9", "203.0.113.10"),
            ("2001:db8:1:2::9", "2001:db8:1:2:ffff::1", "2001:db8:1:3::9"),
        ] {
            for name in ["alice", "zelda"] {
                let mut browser = world.browser_at(guesser);
                let guessed = tries(&mut browser, name, "wrong", 6).await;
                assert_eq!(guessed, [422, 422, 422, 422, 422, 429], "{name} {guesser}");
                assert_eq!(
                    status(&mut world.browser_at(same), name, "wrong").await,
                    429
                );
                assert_eq!(
                    status(&mut world.browser_at(elsewhere), name, "wrong").await,
                    422
                );
            }
            assert_eq!(
                status(&mut world.browser_at(elsewhere), "alice", PASSWORD).await,
                303
            );
            assert_eq!(
                status(&mut world.browser_at(same), "alice", PASSWORD).await,
                429
            );
            world.advance(60);
            assert_eq!(
                status(&mut world.browser_at(same), "alice", PASSWORD).await,
                303
            );
        }
    }
);

both!(
    guesses_from_everywhere_are_bounded_by_the_day_for_strangers_alone,
    |world| async {
        Cast::of(&world).await;
        let mut hers = world.browser_at(HOME);
        assert_eq!(status(&mut hers, "alice", PASSWORD).await, 303);
        for name in ["alice", "zelda"] {
            let mut statuses = Vec::new();
            for network in 0..21 {
                let mut browser = world.browser_at(&format!("198.18.{network}.9"));
                statuses.extend(tries(&mut browser, name, "wrong", 5).await);
            }
            let looked_at = statuses.iter().filter(|status| **status == 422).count();
            assert_eq!(looked_at, 100, "{name}");
            assert!(statuses[100..].iter().all(|status| *status == 429));
        }
        let mut new = world.browser_at("198.51.100.200");
        assert_eq!(status(&mut new, "alice", PASSWORD).await, 429);
        // Her own browser, whose session is over.
        let mut known = world.browser_at("198.51.100.201");
        known
            .cookies
            .insert(KNOWN.to_owned(), hers.cookies[KNOWN].clone());
        assert_eq!(status(&mut known, "alice", PASSWORD).await, 303);
        assert_eq!(
            status(&mut new, "mallory", PASSWORD).await,
            303,
            "others do not notice"
        );
        // Until the next day, in UTC: it is 14:13:20.
        world.advance(10 * 3600);
        assert_eq!(status(&mut new, "alice", PASSWORD).await, 303);
    }
);

both!(
    a_known_browser_has_a_small_count_of_its_own,
    |world| async {
        Cast::of(&world).await;
        let mut hers = world.browser();
        assert_eq!(status(&mut hers, "alice", PASSWORD).await, 303);
        let cookie = hers.cookies[KNOWN].clone();
        let known = || {
            let mut browser = world.browser();
            browser.cookies.insert(KNOWN.to_owned(), cookie.clone());
            browser
        };
        let guessed = tries(&mut known(), "alice", "wrong", 5).await;
        assert_eq!(guessed, [422; 5]);
        assert_eq!(status(&mut known(), "alice", PASSWORD).await, 429);
        // Nobody else is paused by it, from the same place either.
        assert_eq!(status(&mut world.browser(), "alice", PASSWORD).await, 303);
        world.advance(60);
        assert_eq!(status(&mut known(), "alice", PASSWORD).await, 303);
        // It is hers alone: for another name it is anybody's browser.
        tries(&mut world.browser(), "mallory", "wrong", 5).await;
        assert_eq!(status(&mut known(), "mallory", PASSWORD).await, 429);
    }
);

both!(
    a_cookie_that_was_not_given_to_her_counts_for_nothing,
    |world| async {
        Cast::of(&world).await;
        let given = |browser: &TestBrowser| browser.cookies[KNOWN].clone();
        let (mut hers, mut theirs) = (world.browser(), world.browser());
        status(&mut hers, "alice", PASSWORD).await;
        status(&mut theirs, "mallory", PASSWORD).await;
        let good = given(&hers);
        let mut changed = good.clone().into_bytes();
        let middle = changed.len() / 2;
        changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
        tries(&mut world.browser(), "alice", "wrong", 5).await;
        for bad in [
            String::new(),
            "x".to_owned(),
            "A".repeat(4096),
            String::from_utf8(changed).unwrap(),
            good[1..].to_owned(),
            given(&theirs),
            hers.cookies["writ-loopback-default"].clone(),
        ] {
            let mut browser = world.browser();
            browser.cookies.insert(KNOWN.to_owned(), bad.clone());
            assert_eq!(status(&mut browser, "alice", PASSWORD).await, 429, "{bad}");
        }
        let with = |cookie: &str| {
            let mut browser = world.browser();
            browser.cookies.insert(KNOWN.to_owned(), cookie.to_owned());
            browser
        };
        assert_eq!(status(&mut with(&good), "alice", PASSWORD).await, 303);
        // It ends 90 days after the last login there.
        world.advance(90 * 24 * 3600);
        tries(&mut world.browser(), "alice", "wrong", 5).await;
        assert_eq!(status(&mut with(&good), "alice", PASSWORD).await, 429);
    }
);

both!(
    people_who_share_a_browser_each_keep_their_way_in,
    |world| async {
        Cast::of(&world).await;
        let mut shared = world.browser();
        for name in ["alice", "mallory"] {
            assert_eq!(status(&mut shared, name, PASSWORD).await, 303);
        }
        shared.cookies.retain(|name, _| name == KNOWN);
        for name in ["alice", "mallory"] {
            tries(&mut world.browser(), name, "wrong", 5).await;
            assert_eq!(status(&mut world.browser(), name, PASSWORD).await, 429);
            assert_eq!(status(&mut shared, name, PASSWORD).await, 303, "{name}");
        }
    }
);

both!(
    /// Whoever signed in longest ago leaves, and no one else.
    a_browser_knows_four_people_and_a_fifth_takes_the_place_of_the_longest_away,
    |world| async {
        Cast::of(&world).await;
        for name in ["carol", "dave", "erin"] {
            world.add_user(name, PASSWORD).await;
        }
        let mut shared = world.browser();
        // Alice comes again before the fifth does.
        for name in ["alice", "mallory", "carol", "dave", "alice", "erin"] {
            assert_eq!(status(&mut shared, name, PASSWORD).await, 303, "{name}");
            shared.cookies.retain(|name, _| name == KNOWN);
        }
        let cookie = shared.cookies[KNOWN].clone();
        for (name, is_known) in [
            ("mallory", false),
            ("alice", true),
            ("carol", true),
            ("dave", true),
            ("erin", true),
        ] {
            tries(&mut world.browser(), name, "wrong", 5).await;
            let mut browser = world.browser();
            browser.cookies.insert(KNOWN.to_owned(), cookie.clone());
            let expected = if is_known { 303 } else { 429 };
            assert_eq!(status(&mut browser, name, PASSWORD).await, expected, "{name}");
        }
    }
);

both!(
    guesses_outside_never_reach_what_she_proves_within_her_session,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let question = cast.question_within(&token);
        let asked = cast.planner.asked(&world, &question).await;
        let asked = world.request_id(&asked).await;
        let mut phone = world.phone(1);
        phone.sign_in("alice").await;
        // As many guesses as a stranger has, in her own network and in every other.
        for network in 0..21 {
            let mut browser = world.browser_at(&format!("198.18.{network}.9"));
            tries(&mut browser, "alice", "wrong", 5).await;
        }
        tries(&mut world.browser(), "alice", "wrong", 6).await;
        assert_eq!(status(&mut world.browser(), "alice", PASSWORD).await, 429);
        // Her settings, her approval, and the password that a consent asks for again.
        let code = [
            ("setting", "user_code".to_owned()),
            ("user_code", "open sesame".to_owned()),
            ("password", PASSWORD.to_owned()),
        ];
        assert_eq!(phone.post("/app/settings", &code).await.reply.status, 200);
        let page = phone.look(&asked).await;
        let done = phone.approve_by_password(&page).await;
        assert!(
            done.url.path().starts_with("/app/receipts/"),
            "{}",
            done.reply.text()
        );
        assert_eq!(status(&mut phone.browser, "alice", PASSWORD).await, 303);
    }
);

both!(
    wrong_passwords_within_a_session_pause_that_session_alone,
    |world| async {
        Cast::of(&world).await;
        let (mut one, mut other) = (world.phone(1), world.phone(2));
        one.sign_in("alice").await;
        other.sign_in("alice").await;
        let typed = |password: &str| {
            [
                ("setting", "user_code".to_owned()),
                ("user_code", "open sesame".to_owned()),
                ("password", password.to_owned()),
            ]
        };
        let mut statuses = Vec::new();
        for password in ["wrong", "wrong", "wrong", "wrong", "wrong", PASSWORD] {
            let page = one.post("/app/settings", &typed(password)).await;
            statuses.push(page.reply.status);
            assert_eq!(
                page.reply.header("retry-after").is_some(),
                page.reply.status == 429
            );
        }
        assert_eq!(statuses, [422, 422, 422, 422, 422, 429]);
        assert_eq!(
            other
                .post("/app/settings", &typed(PASSWORD))
                .await
                .reply
                .status,
            200
        );
        assert_eq!(status(&mut world.browser(), "alice", PASSWORD).await, 303);
        world.advance(60);
        assert_eq!(
            one.post("/app/settings", &typed(PASSWORD))
                .await
                .reply
                .status,
            200
        );
    }
);

both_with!(
    the_cookie_of_a_known_browser_is_sealed_and_bound_to_the_host,
    &[("SERVER__ISSUER", "https://as.example")],
    |world| async {
        Cast::of(&world).await;
        let page = world.get("/login", &[]).await;
        let session = page
            .header("set-cookie")
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let text = page.text();
        let csrf = text.split("name=\"csrf\" value=\"").nth(1).unwrap();
        let csrf = csrf.split('"').next().unwrap();
        let form = [
            ("csrf", csrf),
            ("username", "alice"),
            ("password", PASSWORD),
        ];
        let entered = world.post("/login", &form, &[("cookie", &session)]).await;
        assert_eq!(entered.status, 303);
        let cookies = entered.headers.get_all("set-cookie").iter();
        let mut cookies = cookies.map(|value| value.to_str().unwrap().to_owned());
        let cookie = cookies.find(|text| text.starts_with("__Host-writ-known-default="));
        let cookie = cookie.unwrap();
        for attribute in [
            "; Path=/",
            "; HttpOnly",
            "; SameSite=Lax",
            "; Secure",
            "; Max-Age=7776000",
        ] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert!(
            !cookie.contains("Domain") && !cookie.contains("usr_"),
            "{cookie}"
        );
    }
);

/// Each name is another one, so that every guess is hashed.
const GUESSES: usize = 60;

both!(
    while_strangers_guess_right_logins_proofs_and_tokens_are_served,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut phone = world.phone(1);
        phone.sign_in("alice").await;
        let mut visitor = world.browser();
        visitor.open("/login").await;
        let cookie = format!(
            "writ-loopback-default={}",
            visitor.cookies["writ-loopback-default"]
        );
        let guess = [("csrf", visitor.csrf()), ("password", "wrong".to_owned())];
        let guess = Ready::new("/login", &guess).header("cookie", &cookie);
        let guesses = (0..GUESSES).map(|at| {
            let ready = guess.clone().parameter("username", &format!("nobody-{at}"));
            let door = world.door();
            async move { door.send(&ready).await }
        });
        let mut newcomer = world.browser();
        let right = async {
            let code = [
                ("setting", "user_code".to_owned()),
                ("user_code", "open sesame".to_owned()),
                ("password", PASSWORD.to_owned()),
            ];
            let proven = phone.post("/app/settings", &code).await;
            assert_eq!(proven.reply.status, 200, "within the session");
            assert_eq!(status(&mut newcomer, "mallory", PASSWORD).await, 303);
            cast.planner.own(&world, &[]).await
        };
        let (guessed, token) = tokio::join!(at_once(guesses.collect()), right);
        assert_eq!(token.status, 200, "{}", token.text());
        // Looked at, or told to come again.
        for reply in guessed {
            let again = reply.header("retry-after").is_some();
            assert!(matches!((reply.status, again), (422, false) | (503, true)));
        }
    }
);
