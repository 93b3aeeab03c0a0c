//! Endpoints, pages, configuration, background work, and the binary writ.
