//! Who is looking at a page of `/app`, and what its frame needs: names, a form token, how much waits.

/// A person who is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersonView {
    /// For every form of the page.
    pub csrf: String,
    pub name: String,
    /// Requests that wait for this person, as the navigation shows it.
    pub waiting: usize,
    /// Whether times are shown by their own clock.
    pub has_zone: bool,
}
