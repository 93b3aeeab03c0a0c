//! Algebraic laws of `covers`, `meet` and `narrow`, each for random authorities over the three shipped types.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;

use super::world::{AUDIENCES, Dice, any, dice, narrower, types, uri, wider};
use crate::{Authority, Ceiling, Decimal, NarrowRequest, Types, permits, spend};

fn covers(parent: &Authority, child: &Authority, types: &Types) -> bool {
    parent.covers(child, types).is_ok()
}

/// Every scope and object of `authority` at `audience`, as a client asks for them.
fn ask(authority: &Authority, audience: &ResourceUri, dice: &mut Dice) -> NarrowRequest {
    let view = authority.view(audience);
    let bare = |detail: &Detail| match dice.roll(3) {
        0 => detail.clone(),
        1 => detail.clone().without("type_hash"),
        _ => detail.clone().without("type_hash").without("locations"),
    };
    NarrowRequest {
        scopes: Some(view.scopes_at(audience)),
        details: Some(view.details().iter().map(bare).collect()),
        audience: audience.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn law_reflexive(mut dice in dice()) {
        let (types, a) = (types(), any(&mut dice));
        prop_assert_eq!(a.covers(&a, &types), Ok(()));
        let b = wider(&a, &mut dice);
        prop_assert_eq!(b.covers(&b, &types), Ok(()));
    }

    #[test]
    fn law_transitive(mut dice in dice()) {
        let types = types();
        let c = any(&mut dice);
        let b = wider(&c, &mut dice);
        let a = wider(&b, &mut dice);
        prop_assert_eq!(b.covers(&c, &types), Ok(()), "the dice's own order");
        prop_assert_eq!(a.covers(&b, &types), Ok(()), "the dice's own order");
        prop_assert_eq!(a.covers(&c, &types), Ok(()));
        let d = narrower(&c, &mut dice);
        prop_assert_eq!(c.covers(&d, &types), Ok(()), "the dice's own order");
        prop_assert_eq!(a.covers(&d, &types), Ok(()));
    }

    #[test]
    fn law_transitive_also_between_strangers(mut dice in dice()) {
        let types = types();
        let parts: Vec<Authority> = (0..3).map(|_| {
            let a = any(&mut dice);
            let only = a.details().first().cloned();
            Authority::new(BTreeSet::new(), only.into_iter().collect(), BTreeSet::new())
        }).collect();
        let (a, b, c) = (&parts[0], &parts[1], &parts[2]);
        if covers(a, b, &types) && covers(b, c, &types) {
            prop_assert!(covers(a, c, &types));
        }
    }

    #[test]
    fn law_antisymmetric_on_the_normal_form(mut dice in dice()) {
        let types = types();
        let a = any(&mut dice);
        let b = wider(&a, &mut dice);
        prop_assert_eq!(covers(&a, &b, &types), a.normal(&types) == b.normal(&types));
        let normal = b.normal(&types);
        prop_assert!(covers(&b, &normal, &types) && covers(&normal, &b, &types));
        prop_assert_eq!(normal.normal(&types), normal);
    }

    #[test]
    fn law_meet_is_below_both(mut dice in dice()) {
        let (types, a) = (types(), any(&mut dice));
        let b = any(&mut dice);
        for (a, b) in [(&a, &b), (&wider(&a, &mut dice), &wider(&a, &mut dice))] {
            let met = a.meet(b, &types);
            prop_assert_eq!(a.covers(&met, &types), Ok(()));
            prop_assert_eq!(b.covers(&met, &types), Ok(()));
            prop_assert_eq!(met.normal(&types), b.meet(a, &types).normal(&types));
        }
    }

    #[test]
    fn law_meet_is_greatest(mut dice in dice()) {
        let (types, c) = (types(), any(&mut dice));
        let (a, b) = (wider(&c, &mut dice), wider(&c, &mut dice));
        prop_assert_eq!(a.meet(&b, &types).covers(&c, &types), Ok(()));
        prop_assert_eq!(a.meet(&c, &types).normal(&types), c.normal(&types));
        let (a, b, c) = (any(&mut dice), any(&mut dice), any(&mut dice));
        if covers(&a, &c, &types) && covers(&b, &c, &types) {
            prop_assert_eq!(a.meet(&b, &types).covers(&c, &types), Ok(()));
        }
    }

    #[test]
    fn law_a_view_is_below_and_shows_one_audience(mut dice in dice()) {
        let (types, a) = (types(), any(&mut dice));
        for audience in AUDIENCES.map(uri) {
            let view = a.view(&audience);
            prop_assert_eq!(a.covers(&view, &types), Ok(()));
            prop_assert_eq!(&view.view(&audience), &view);
            prop_assert!(view.resources().iter().all(|uri| *uri == audience));
            prop_assert_eq!(view.is_empty(), !a.resources().contains(&audience));
        }
    }

    #[test]
    fn law_narrow_is_below_and_exactly_what_was_asked(mut dice in dice()) {
        let (types, c) = (types(), any(&mut dice));
        let a = wider(&c, &mut dice);
        for audience in c.resources() {
            let narrowed = a.narrow(&ask(&c, audience, &mut dice), &types).unwrap();
            prop_assert_eq!(a.covers(&narrowed.authority, &types), Ok(()));
            let view = c.view(audience).normal(&types);
            prop_assert_eq!(narrowed.authority.normal(&types), view);
            let whole = covers(&narrowed.authority, &a.view(audience), &types);
            prop_assert_eq!(narrowed.reduced, !whole);
        }
    }

    #[test]
    fn law_what_is_wider_is_refused_by_narrow(mut dice in dice()) {
        let (types, c) = (types(), any(&mut dice));
        let a = wider(&c, &mut dice);
        for audience in c.resources() {
            let fits = covers(&c.view(audience), &a.view(audience), &types);
            let narrowed = c.narrow(&ask(&a, audience, &mut dice), &types);
            prop_assert!(fits || narrowed.is_err());
        }
    }

    #[test]
    fn law_nothing_widens_through_any_sequence(mut dice in dice()) {
        let types = types();
        let origin = wider(&any(&mut dice), &mut dice);
        let mut now = origin.clone();
        for _ in 0..6 {
            let before = now.clone();
            let audience = uri(AUDIENCES[dice.roll(AUDIENCES.len())]);
            now = match dice.roll(4) {
                0 => now.view(&audience),
                1 => now.meet(&wider(&narrower(&now, &mut dice), &mut dice), &types),
                2 => now.narrow(&ask(&narrower(&now, &mut dice), &audience, &mut dice), &types)
                    .map_or(now, |narrowed| narrowed.authority),
                _ => now.narrow(&ask(&wider(&now, &mut dice), &audience, &mut dice), &types)
                    .map_or(now, |narrowed| narrowed.authority),
            };
            prop_assert_eq!(before.covers(&now, &types), Ok(()));
            prop_assert_eq!(origin.covers(&now, &types), Ok(()));
        }
    }

    #[test]
    fn law_a_ceiling_admits_what_lies_below_what_it_admits(mut dice in dice()) {
        let (types, c) = (types(), any(&mut dice));
        let a = wider(&c, &mut dice);
        let pattern = |d: &Detail| d.clone().without("ref").without("type_hash");
        let ceiling = Ceiling {
            scopes: a.scopes().clone(),
            details: a.details().iter().map(pattern).collect(),
        };
        prop_assert_eq!(ceiling.check(&types), Ok(()));
        prop_assert_eq!(ceiling.admits(&a, &types), Ok(()));
        prop_assert_eq!(ceiling.admits(&c, &types), Ok(()));
        prop_assert_eq!(ceiling.admits(&a.meet(&any(&mut dice), &types), &types), Ok(()));
    }

    #[test]
    fn law_what_a_child_permits_its_parent_permits(mut dice in dice()) {
        let (types, c) = (types(), any(&mut dice));
        let a = wider(&c, &mut dice);
        for request in any(&mut dice).details().iter().chain(c.details()) {
            let request = request.clone().without("ref").without("locations");
            if permits(c.details(), &request, &types).is_ok() {
                prop_assert!(permits(a.details(), &request, &types).is_ok());
            }
        }
    }

    #[test]
    fn law_the_hash_is_that_of_the_value(mut dice in dice()) {
        let a = any(&mut dice);
        let text = serde_json::to_string(&a).unwrap();
        let back: Authority = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&back, &a);
        prop_assert_eq!(back.hash("salt"), a.hash("salt"));
        prop_assert_ne!(a.hash("salt"), a.hash("other"));
    }

    #[test]
    fn law_spend_never_exceeds(budget in 0_u64..100_000, amounts in prop::collection::vec(0_u64..20_000, 0..40)) {
        // In cents, so that integers are the oracle.
        let text = |cents: u64| Value::from(format!("{}.{:02}", cents / 100, cents % 100));
        let decimal = |cents: u64| Decimal::from_value(&text(cents)).unwrap();
        let (mut rest, mut left) = (decimal(budget), budget);
        for amount in amounts {
            match spend(rest, decimal(amount)) {
                Ok(after) => {
                    prop_assert!(amount <= left);
                    (rest, left) = (after, left - amount);
                }
                Err(_) => prop_assert!(amount > left),
            }
            prop_assert_eq!(rest, decimal(left));
            prop_assert!(!rest.is_negative());
        }
    }
}
