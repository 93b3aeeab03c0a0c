//! Real processes, a database that keeps its promises, and what goes wrong with both: `tests/run faults`.

mod clocks;
mod cluster;
mod command_clocks;
mod descriptors;
mod full_disk;
mod killed;
mod killed_spends;
mod killed_work;
mod moved_files;
mod outages;
mod rights;
mod scene;
mod slow_clients;
