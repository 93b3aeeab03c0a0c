-- Away from the browser that asks. Which browser of a person is told by this subscription: a digest of its own cookie; absent for one of before.
ALTER TABLE push_subscriptions ADD COLUMN browser TEXT;
-- The approval request by which the consent that this authorization request asks for is decided on a person's own device.
ALTER TABLE authorization_requests ADD COLUMN approval_id TEXT;
