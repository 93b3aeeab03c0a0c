//! Who holds a piece of a task, as a tree: each agent below the one that it has its piece from.

use std::collections::VecDeque;

use writ_core::id::ClientId;
use writ_store::delegation::Holder;
use writ_wire::time::Timestamp;

/// An agent in a task: what it holds there stands together.
pub(super) struct Node<'a> {
    pub(super) client: &'a ClientId,
    pub(super) level: usize,
    /// From whom it has its pieces; the first one has them from the person.
    pub(super) through: Option<&'a ClientId>,
    pub(super) live: bool,
}

/// Pieces of one agent below the same ones of another.
struct Branch<'a> {
    pieces: Vec<&'a Holder>,
    node: Node<'a>,
}

/// In the order in which it is read: an agent, then all below it. `holders` are those of one task.
pub(super) fn nodes<'a>(holders: &[&'a Holder], now: Timestamp) -> Vec<Node<'a>> {
    let is_known = |id| holders.iter().any(|one| Some(&one.delegation) == id);
    let roots = holders.iter().copied();
    let roots = roots.filter(|one| !is_known(one.above.as_ref()));
    let mut waiting: VecDeque<Branch<'a>> = branches(roots, None, now).into();
    let mut nodes = Vec::new();
    while let Some(mut branch) = waiting.pop_front() {
        let (own, others) = below(holders, &branch.pieces, branch.node.client);
        branch.pieces.extend(own);
        let deeper = branches(others.into_iter(), Some(&branch.node), now);
        for one in deeper.into_iter().rev() {
            waiting.push_front(one);
        }
        nodes.push(branch.node);
    }
    nodes
}

/// All that hangs from these pieces: the agent's own, however often it narrowed them or was approved something, and what others have of any of
/// them.
fn below<'a>(
    holders: &[&'a Holder],
    pieces: &[&'a Holder],
    client: &ClientId,
) -> (Vec<&'a Holder>, Vec<&'a Holder>) {
    let (mut own, mut others) = (Vec::new(), Vec::new());
    let mut reached: Vec<&Holder> = pieces.to_vec();
    while let Some(piece) = reached.pop() {
        let here = holders.iter().copied();
        let here = here.filter(|one| one.above.as_ref() == Some(&piece.delegation));
        let (same, other): (Vec<_>, Vec<_>) = here.partition(|one| one.client == *client);
        reached.extend(&same);
        own.extend(same);
        others.extend(other);
    }
    (own, others)
}

fn branches<'a>(
    pieces: impl Iterator<Item = &'a Holder>,
    above: Option<&Node<'a>>,
    now: Timestamp,
) -> Vec<Branch<'a>> {
    let mut branches: Vec<Branch<'a>> = Vec::new();
    for piece in pieces {
        let live = !piece.stopped && piece.expires_at > now && above.is_none_or(|node| node.live);
        let found = branches
            .iter_mut()
            .find(|one| one.node.client == &piece.client);
        match found {
            Some(branch) => {
                branch.node.live |= live;
                branch.pieces.push(piece);
            }
            None => branches.push(Branch {
                pieces: vec![piece],
                node: Node {
                    client: &piece.client,
                    level: above.map_or(0, |node| node.level + 1),
                    through: above.map(|node| node.client),
                    live,
                },
            }),
        }
    }
    branches
}
