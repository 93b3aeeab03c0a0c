//! What may be done, as a value: covers, meet, spend; types of authorization_details.
