// A certified OpenID Connect provider with one web client, one service client, and anybody as a person.
// Usage: node server.mjs ISSUER_PORT BASE_URL_OF_CONVENOR ; prints "ready" when it listens.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [port, base] = [Number(process.argv[2]), process.argv[3]];
const audience = `${base}/v2`;

const people = {
  ada: { name: 'Ada Marsh', preferred_username: 'ada', email: 'ada@agency.example', email_verified: true, groups: ['idva', 'unknown-group'], agency: 'refuge' },
};

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'convenor',
      client_secret: 'a-test-secret',
      redirect_uris: [`${base}/sign-in/callback`],
      post_logout_redirect_uris: [`${base}/sign-out/done`],
    },
    {
      client_id: 'robot',
      client_secret: 'a-robot-secret',
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
    },
  ],
  conformIdTokenClaims: false,
  scopes: ['openid', 'profile', 'email'],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups', 'agency'], email: ['email', 'email_verified'] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (ctx, client) => (client.clientId === 'robot' ? audience : undefined),
      getResourceServerInfo: () => ({ scope: '', audience, accessTokenFormat: 'jwt', accessTokenTTL: 300 }),
    },
  },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...(people[id] ?? { name: id, preferred_username: id }) }),
  }),
});

createServer(provider.callback()).listen(port, '127.0.0.1', () => console.log('ready'));
