// GraphiQL with a box for the bearer token: queries over HTTP, subscriptions over graphql-transport-ws.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { createClient } from 'graphql-ws';
import 'graphiql/graphiql.css';
import './page.css';

const TOKEN = 'tonne-token';
const address = new URL('/graphql', location.href);
const socketAddress = Object.assign(new URL(address), {
  protocol: location.protocol.replace('http', 'ws'),
});
const authorization = () => {
  const token = (sessionStorage.getItem(TOKEN) || '').trim();
  return token ? { Authorization: /^bearer /i.test(token) ? token : `Bearer ${token}` } : {};
};
const authorized = (input, init) =>
  fetch(input, { ...init, headers: { ...init.headers, ...authorization() } });
let client = connect();
function connect() {
  return createClient({
    url: socketAddress.href,
    connectionParams: () => {
      const { Authorization } = authorization();
      return Authorization ? { authorization: Authorization } : {};
    },
  });
}
const fetcher = createGraphiQLFetcher({
  url: address.href,
  fetch: authorized,
  wsClient: { subscribe: (...args) => client.subscribe(...args) },
});

function TokenBox() {
  const [token, setToken] = React.useState(sessionStorage.getItem(TOKEN) || '');
  const change = event => {
    sessionStorage.setItem(TOKEN, event.target.value);
    setToken(event.target.value);
    client.dispose();
    client = connect();
  };
  return (
    <label className="token">
      Authorization
      <input type="password" value={token} onChange={change} spellCheck="false" autoComplete="off"
        placeholder="Bearer token, as printed by: deploy/tonne token" />
    </label>
  );
}

function Page({ examples }) {
  return (
    <>
      <header><strong>Tonne</strong><TokenBox /></header>
      <main>
        <GraphiQL fetcher={fetcher} defaultTabs={examples} shouldPersistHeaders={false}
          isHeadersEditorEnabled={true} defaultEditorToolsVisibility="variables" />
      </main>
    </>
  );
}

// Each example begins with a comment after an empty line.
const text = await (await fetch('/static/examples.graphql')).text();
const examples = text.split(/\n\n(?=#)/).map(query => ({ query }));
createRoot(document.getElementById('root')).render(<Page examples={examples} />);
