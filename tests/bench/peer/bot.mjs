// What a team would write in an afternoon instead of running sitrep: Bolt in Socket Mode, one table of incidents and
// one of their timelines, both rows committed before the ack. Nothing is announced, nobody is reminded.
//
//     PEER_MODULES=folder-with-node_modules PEER_RECORD=new.db node bot.mjs
import { createRequire } from 'node:module'
import { join } from 'node:path'

const modules = createRequire(join(process.env.PEER_MODULES, 'package.json'))
const Database = modules('better-sqlite3')
const { App } = modules('@slack/bolt')

const record = new Database(process.env.PEER_RECORD)
record.pragma('journal_mode = WAL')
record.pragma('synchronous = FULL') // an answer is a promise: the same durability as sitrep's
record.exec(`
  CREATE TABLE IF NOT EXISTS incident (
    id INTEGER PRIMARY KEY, level INTEGER NOT NULL, title TEXT NOT NULL,
    declared_by TEXT NOT NULL, channel TEXT NOT NULL, declared_at INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS timeline (
    id INTEGER PRIMARY KEY, incident INTEGER NOT NULL REFERENCES incident, at INTEGER NOT NULL,
    person TEXT NOT NULL, text TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS timeline_incident ON timeline (incident, at)`)
const addIncident = record.prepare(
  'INSERT INTO incident (level, title, declared_by, channel, declared_at) VALUES (?, ?, ?, ?, ?)')
const addEntry = record.prepare('INSERT INTO timeline (incident, at, person, text) VALUES (?, ?, ?, ?)')
const declare = record.transaction((level, title, person, channel) => {
  const { lastInsertRowid: id } = addIncident.run(level, title, person, channel, Date.now())
  addEntry.run(id, Date.now(), person, `declared: ${title}`)
  return id
})

const bot = new App({
  appToken: process.env.SLACK_APP_TOKEN,
  token: process.env.SLACK_BOT_TOKEN,
  socketMode: true,
  logLevel: 'error',
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
})
bot.command('/inc', async ({ ack, command }) => {
  const [, level, title] = command.text.match(/^declare sev([1-4]) (.+)$/) ?? []
  if (!title) return ack('Try: /inc declare sev2 what is wrong')
  const id = declare(Number(level), title, command.user_id, command.channel_id)
  await ack(`INC-${id} (sev${level}) is declared: ${title}`)
})

process.once('SIGTERM', () => {
  record.close()
  process.exit(0)
})
await bot.start()
