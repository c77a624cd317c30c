// Of ws the bundle needs the client's end of a WebSocket that another program has secured: without TLS, compression and
// the server's end it loads in a third of the time.
import { lean } from './lean.mjs';

export const leanWs = lean('ws', {
  'ws/wrapper.mjs': {
    holds: ["import WebSocket from './lib/websocket.js'"],
    becomes: () => "import WebSocket from './lib/websocket.js';\nexport { WebSocket };\n",
  },
  'ws/lib/websocket.js': {
    holds: ["require('https')", "require('tls')"],
    becomes: (text) => text.replace("require('https')", '{}').replace("require('tls')", '{}'),
  },
  'ws/lib/permessage-deflate.js': {
    holds: ["return 'permessage-deflate';"],
    becomes: () => "module.exports = class { static extensionName = 'permessage-deflate'; };\n",
  },
});
