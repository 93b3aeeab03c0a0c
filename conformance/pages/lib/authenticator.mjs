// The phone's own authenticator, as Chromium's WebAuthn domain of the DevTools protocol makes one: built in, with
// discoverable passkeys, and a finger that is always the right one until it is told otherwise.

export async function addAuthenticator(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  const send = (method, parameters) => session.send(`WebAuthn.${method}`, { authenticatorId, ...parameters });
  return {
    /** Whether the finger is the right one. */
    verify: (isUserVerified) => send('setUserVerified', { isUserVerified }),
    passkeys: async () => (await send('getCredentials')).credentials,
    /** Puts a passkey of another phone on this one, as a synchronised one would be. */
    take: (credential) => send('addCredential', { credential }),
    /** Forgets one. */
    drop: ({ credentialId }) => send('removeCredential', { credentialId }),
    /** It is no longer there. */
    leave: () => send('removeVirtualAuthenticator'),
  };
}
