//! Scenes through the HTTP door.
