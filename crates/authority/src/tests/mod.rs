//! Tests of the whole crate over the three shipped types.

mod action;
mod amounts;
mod any;
mod catalogue;
mod ceiling;
mod consent;
mod covers;
mod headline;
mod laws;
mod narrow;
mod permit;
mod shown;
mod signs;
mod words;
mod world;
