import express from 'express';
import { answer, callerOf, Decisions, NotPermitted, protect, serveMetadata, Verifier } from 'writ-kit/resource';

const { ISSUER: issuer, RESOURCE: resource, CLIENT_SECRET: clientSecret, PORT = '8000' } = process.env;

const verifier = new Verifier({ issuer, resource, bearer: 'allow' });
const decisions = new Decisions({ issuer, resource, clientId: 'notes', clientSecret });
const notes = new Map([['Shopping list', 'milk']]);

const app = express();
app.use(serveMetadata(verifier, { scopes: ['notes:write'] }));
app.use(protect(verifier));
app.delete('/notes/:title', async (request, response) => {
  const caller = callerOf(request);
  const action = { name: 'delete_note', arguments: { title: request.params.title } };
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  try {
    // Judged, asked where a person must agree, run once, reported.
    const deleted = await decisions.gated(caller, action, ({ title }) => notes.delete(title), { signal: gone.signal });
    response.json({ deleted, for: caller.subject.id });
  } catch (error) {
    if (!(error instanceof NotPermitted)) throw error;
    answer(error, response); // 403, or 429 with `Retry-After` where nobody could be asked now
  }
});
await decisions.checkCredentials(); // a wrong secret is told now
const listener = app.listen(Number(PORT), '127.0.0.1', () => console.log(`listening at ${listener.address().port}`));
