//! Which browser may go on, and what the person's device must show.

use super::*;

#[test]
fn a_yes_is_for_one_browser_and_one_request() {
    let (one, other) = (
        ApprovalId::from_text("apr_1"),
        ApprovalId::from_text("apr_2"),
    );
    let asking = asking_browser("session a", &one);
    assert_eq!(asking, asking_browser("session a", &one));
    assert_ne!(asking, asking_browser("session b", &one));
    assert_ne!(asking, asking_browser("session a", &other));
}
