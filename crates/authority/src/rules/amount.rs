//! `at_most`, `at_least` and `budget`: exact decimal numbers, as text or JSON integers.

use serde_json::Value;

use crate::decimal::Decimal;

pub(super) fn at_most(parent: &Value, child: &Value) -> bool {
    both(parent, child).is_some_and(|(parent, child)| child <= parent)
}

pub(super) fn at_least(parent: &Value, child: &Value) -> bool {
    both(parent, child).is_some_and(|(parent, child)| child >= parent)
}

/// Refuses negative amounts, which would increase what is left.
pub(super) fn budget(parent: &Value, child: &Value) -> bool {
    both(parent, child).is_some_and(|(parent, child)| child <= parent && !child.is_negative())
}

pub(super) fn normal(value: &Value) -> Option<Value> {
    Some(Value::String(Decimal::from_value(value)?.to_string()))
}

pub(super) fn normal_budget(value: &Value) -> Option<Value> {
    let amount = Decimal::from_value(value)?;
    (!amount.is_negative()).then(|| Value::String(amount.to_string()))
}

fn both(parent: &Value, child: &Value) -> Option<(Decimal, Decimal)> {
    Some((Decimal::from_value(parent)?, Decimal::from_value(child)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(at_most(&json!("412.00"), &json!("412")));
        assert!(at_most(&json!("100"), &json!("99.99")));
        assert!(!at_most(&json!("100"), &json!("100.000000000001")));
        assert!(at_most(&json!(10), &json!("9")));
        assert!(at_least(&json!("18"), &json!("21")));
        assert!(!at_least(&json!("18"), &json!("17.9")));
    }

    #[test]
    fn what_is_no_exact_number_is_within_nothing() {
        for bad in [
            json!(1.5),
            json!("1e1"),
            json!("01"),
            json!(null),
            json!(true),
            json!([1]),
        ] {
            assert!(!at_most(&json!("1000"), &bad), "{bad}");
            assert!(!at_most(&bad, &json!("0")), "{bad}");
            assert!(!at_least(&bad, &bad), "{bad}");
        }
    }

    #[test]
    fn a_budget_is_not_negative() {
        assert!(budget(&json!(10), &json!(0)));
        assert!(!budget(&json!(10), &json!(-1)));
        assert!(!budget(&json!(-1), &json!(-1)));
        assert_eq!(normal_budget(&json!("-0.5")), None);
        assert_eq!(normal(&json!("-0.50")), Some(json!("-0.5")));
    }
}
