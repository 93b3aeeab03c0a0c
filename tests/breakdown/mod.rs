//! Real processes, a database that keeps its promises, and what goes wrong with both: `tests/run faults`.

mod cluster;
mod killed;
mod killed_work;
mod outages;
