//! JSON text and typed text in columns: what cannot be read is `Corrupt`, with the column and without the value.

use serde::Serialize;
use serde::de::DeserializeOwned;
use writ_jose::key::Thumbprint;
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};

pub(crate) fn write<T: Serialize>(value: &T, place: &'static str) -> Result<String> {
    serde_json::to_string(value).map_err(|_| StoreError::corrupt(place))
}

pub(crate) fn read_optional<T: DeserializeOwned>(
    text: Option<&str>,
    place: &'static str,
) -> Result<Option<T>> {
    text.map(|text| read(text, place)).transpose()
}

pub(crate) fn optional<T: Serialize>(
    value: Option<&T>,
    place: &'static str,
) -> Result<Option<String>> {
    value.map(|value| write(value, place)).transpose()
}

pub(crate) fn read<T: DeserializeOwned>(text: &str, place: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| StoreError::corrupt(place))
}

pub(crate) fn thumbprint(text: &str, place: &'static str) -> Result<Thumbprint> {
    Thumbprint::parse(text).ok_or_else(|| StoreError::corrupt(place))
}

pub(crate) const fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}
