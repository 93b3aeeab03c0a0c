//! Scenes at a bank: an issuer that is only a transport, an agent with a key, a clock that only the test moves.

mod answers;
mod arguments;
mod chain;
mod cross_origin;
mod decide;
mod keys;
mod layer;
mod live;
mod memory;
mod permit;
mod proof;
mod step_up;
mod token;
mod transaction;
mod world;
