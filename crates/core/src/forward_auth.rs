//! Which rule of a resource's record a method and a path fall under (docs/forward-auth.md): by whole segments, first come first
//! served, and only for paths about which no two programs disagree.

mod path;

pub use path::{HttpPlace, PlainPath, PlainPathError, origin, plain_method};
use serde_json::{Map, Value};

use crate::client::Resource;

/// What a resource's record says of plain HTTP requests.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    /// Where its paths are; `None` for a URI that no HTTP request can have.
    pub place: Option<HttpPlace>,
    /// In the order of the file.
    pub routes: Vec<Route>,
}

/// One method at one pattern of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub method: String,
    pub pattern: Vec<PatternSegment>,
    pub rule: RouteRule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternSegment {
    Literal(String),
    /// `*`
    Any,
    /// `{name}`
    Argument(String),
    /// `**`, the last: one segment or more.
    Rest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteRule {
    Scope(String),
    /// An action of the resource, or a type that it lists.
    Action(String),
}

/// The rule of a request, with what its path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedRoute<'a> {
    pub rule: &'a RouteRule,
    pub arguments: Map<String, Value>,
}

impl RouteTable {
    /// The first route of this method whose pattern the path has.
    pub fn find(&self, method: &str, path: PlainPath<'_>) -> Option<MatchedRoute<'_>> {
        let segments: Vec<&str> = path.segments().collect();
        let mut routes = self.routes.iter().filter(|route| route.method == method);
        routes.find_map(|route| {
            let arguments = arguments(&route.pattern, &segments)?;
            Some(MatchedRoute {
                rule: &route.rule,
                arguments,
            })
        })
    }
}

impl Route {
    /// Whether every request of the other one is one of this.
    pub fn covers(&self, other: &Self) -> bool {
        self.method == other.method && covers(&self.pattern, &other.pattern)
    }
}

fn covers(wide: &[PatternSegment], narrow: &[PatternSegment]) -> bool {
    let is_empty =
        |one: &PatternSegment| matches!(one, PatternSegment::Literal(text) if text.is_empty());
    match (wide, narrow) {
        ([PatternSegment::Rest], below) => !below.is_empty() && !below.iter().any(is_empty),
        ([first, wide @ ..], [second, narrow @ ..]) => {
            let one = match (first, second) {
                (_, PatternSegment::Rest) => false,
                (PatternSegment::Literal(_), _) => first == second,
                (_, second) => !is_empty(second),
            };
            one && covers(wide, narrow)
        }
        ([], []) => true,
        ([], _) | (_, []) => false,
    }
}

/// The resource at this URL among those of one client: that with the longest path.
pub fn resource_at<'a>(
    resources: impl Iterator<Item = &'a Resource>,
    origin: &str,
    path: PlainPath<'_>,
) -> Option<&'a Resource> {
    let length = |resource: &&Resource| {
        let place = resource.routes.place.as_ref();
        place.map_or(0, HttpPlace::length)
    };
    let here = |resource: &&Resource| {
        let place = resource.routes.place.as_ref();
        place.is_some_and(|place| place.holds(origin, path))
    };
    resources.filter(here).max_by_key(length)
}

/// `None`: the path is another one. No wildcard stands for an empty segment, so a `/` at the end is only there where the pattern
/// has it.
fn arguments(pattern: &[PatternSegment], path: &[&str]) -> Option<Map<String, Value>> {
    let mut found = Map::new();
    let mut rest = path.iter().copied();
    let mut next = || rest.next().filter(|segment| !segment.is_empty());
    for segment in pattern {
        match segment {
            PatternSegment::Literal(text) if text.is_empty() => {}
            PatternSegment::Literal(text) => {
                next().filter(|segment| segment == text)?;
            }
            PatternSegment::Any => {
                next()?;
            }
            PatternSegment::Argument(name) => {
                found.insert(name.clone(), next()?.into());
            }
            PatternSegment::Rest => {
                let place = pattern.len().saturating_sub(1);
                let below = path.get(place..).unwrap_or_default();
                let is_below = !below.is_empty() && below.iter().all(|one| !one.is_empty());
                return is_below.then_some(found);
            }
        }
    }
    let same_end = path.last().is_some_and(|last| last.is_empty())
        == matches!(pattern.last(), Some(PatternSegment::Literal(text)) if text.is_empty());
    (path.len() == pattern.len() && same_end).then_some(found)
}

#[cfg(test)]
mod tests;
