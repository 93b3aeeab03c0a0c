//! Tests of the whole crate over the three shipped types.

mod action;
mod alike;
mod amounts;
mod any;
mod catalogue;
mod ceiling;
mod consent;
mod covers;
mod headline;
mod languages;
mod laws;
mod narrow;
mod permit;
mod scripts;
mod shown;
mod signs;
mod words;
mod world;
