//! What programs call: the endpoints of clients and resource servers.

pub mod answer;
pub mod caller;
pub mod ciba;
pub mod denied;
pub mod device;
pub mod grants;
pub mod introspect;
pub mod metadata;
pub mod par;
pub mod token;
pub mod transaction;
pub mod types;
pub mod userinfo;
