// The official SDK for Node.js (npm `@alicloud/mns`), unmodified, against the local cloud's MNS.
//
//   FLEETRUN_ENDPOINT=http://127.0.0.1:7150 node --test tests/node/mns.test.js
//
// Also read: ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, FLEETRUN_ACCOUNT_ID; the defaults are those
// of the local cloud. Makes a queue and a topic of its own; it deletes the queue (the SDK cannot delete a topic).
"use strict";

const assert = require("node:assert/strict");
const { after, before, beforeEach, describe, test } = require("node:test");
const MNSClient = require("@alicloud/mns");

const endpoint = process.env.FLEETRUN_ENDPOINT;
const queue = `node-${process.pid}`;
const base64 = (text) => Buffer.from(text, "utf8").toString("base64");

function clientOf(changes = {}) {
  return new MNSClient(process.env.FLEETRUN_ACCOUNT_ID || "1234567890123456", {
    accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID || "LTAI5tLocalCloud",
    accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET || "local-cloud-secret",
    endpoint,
    ...changes,
  });
}

/** The code that a call is refused with: the SDK puts it into the error's name, MNS<code>Error. */
async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return error.name.replace(/^MNS/, "").replace(/Error$/, "");
  }
  throw new Error("it was not refused");
}

describe("MNS", { skip: endpoint ? false : "FLEETRUN_ENDPOINT is not set" }, () => {
  let client;

  before(() => {
    client = clientOf();
  });

  beforeEach(async () => {
    await client.deleteQueue(queue);
    const made = await client.createQueue(queue, { VisibilityTimeout: 60, PollingWaitSeconds: 0 });
    assert.equal(made.code, 201);
    assert.ok(made.headers.location.endsWith(`/queues/${queue}`), made.headers.location);
  });

  after(async () => {
    await client.deleteQueue(queue);
  });

  test("a queue is made once, changed, described and listed", async () => {
    const again = await client.createQueue(queue, { VisibilityTimeout: 60, PollingWaitSeconds: 0 });
    const other = await refusal(client.createQueue(queue, { VisibilityTimeout: 61 }));
    const changed = await client.setQueueAttributes(queue, { MaximumMessageSize: 2048, DelaySeconds: 0 });
    const { body } = await client.getQueueAttributes(queue);
    const listed = await client.listQueue(undefined, 1000, "node-");

    assert.equal(again.code, 204);
    assert.equal(other, "QueueAlreadyExist");
    assert.equal(changed.code, 204);
    assert.deepEqual(
      [body.QueueName, body.VisibilityTimeout, body.MaximumMessageSize, body.ActiveMessages],
      [queue, "60", "2048", "0"],
    );
    assert.ok(listed.body.some(({ QueueURL }) => QueueURL.endsWith(`/queues/${queue}`)));
  });

  test("a message is sent, peeked at, received, kept back and deleted", async () => {
    const text = base64("a <b> & 'c' \"d\" ü€😀");

    const sent = await client.sendMessage(queue, { MessageBody: text, Priority: 3 });
    const seen = await client.peekMessage(queue);
    const got = await client.receiveMessage(queue);
    const kept = await client.changeMessageVisibility(queue, got.body.ReceiptHandle, 30);
    const stale = await refusal(client.deleteMessage(queue, got.body.ReceiptHandle));
    const gone = await client.deleteMessage(queue, kept.body.ReceiptHandle);

    assert.equal(sent.code, 201);
    assert.match(sent.body.MessageId, /^[0-9A-F-]+$/i);
    assert.match(sent.body.MessageBodyMD5, /^[0-9A-F]{32}$/);
    assert.equal(seen.body.ReceiptHandle, undefined);
    assert.deepEqual(
      [got.body.MessageId, got.body.MessageBody, got.body.Priority, got.body.DequeueCount],
      [sent.body.MessageId, text, "3", "1"],
    );
    assert.notEqual(kept.body.ReceiptHandle, got.body.ReceiptHandle);
    assert.equal(stale, "MessageNotExist");
    assert.equal(gone.code, 204);
    assert.equal(await refusal(client.receiveMessage(queue)), "MessageNotExist");
  });

  test("batches are sent, peeked at, received and deleted, each message on its own", async () => {
    const bodies = ["one", "two", "three"].map(base64);

    const sent = await client.batchSendMessage(queue, bodies.map((MessageBody) => ({ MessageBody })));
    const seen = await client.batchPeekMessage(queue, 16);
    const got = await client.batchReceiveMessage(queue, 16);
    const handles = got.body.map(({ ReceiptHandle }) => ReceiptHandle);
    const partly = await client.batchDeleteMessage(queue, [...handles.slice(0, 2), "8-none-at-all"]);
    const rest = await client.batchDeleteMessage(queue, handles.slice(2));

    assert.equal(sent.body.length, 3);
    assert.equal(seen.body.length, 3);
    assert.deepEqual(got.body.map(({ MessageBody }) => MessageBody).sort(), [...bodies].sort());
    assert.equal(partly.code, 404);
    assert.deepEqual(partly.body.map((error) => error.ReceiptHandle), ["8-none-at-all"]);
    assert.equal(rest.code, 204);
  });

  test("a long poll ends when a message arrives", async () => {
    const waiting = client.receiveMessage(queue, 30);
    await client.sendMessage(queue, { MessageBody: "at last" });

    assert.equal((await waiting).body.MessageBody, "at last");
  });

  test("a delayed message is not there yet", async () => {
    await client.sendMessage(queue, { MessageBody: "later", DelaySeconds: 600 });

    assert.equal(await refusal(client.receiveMessage(queue)), "MessageNotExist");
    assert.equal((await client.getQueueAttributes(queue)).body.DelayMessages, "1");
  });

  test("a topic is made, changed, described, listed and published to", async () => {
    const topic = `${queue}-topic`;

    const made = await client.createTopic(topic, { MaximumMessageSize: 4096 });
    await client.setTopicAttributes(topic, { MaximumMessageSize: 8192 });
    const { body } = await client.getTopicAttributes(topic);
    const published = await client.publishMessage(topic, { MessageBody: "to nobody" });
    const listed = await client.listTopic(undefined, 1000, "node-");

    assert.equal(made.code, 201);
    assert.deepEqual([body.TopicName, body.MaximumMessageSize], [topic, "8192"]);
    assert.match(published.body.MessageBodyMD5, /^[0-9A-F]{32}$/);
    assert.ok(listed.body.some(({ TopicURL }) => TopicURL.endsWith(`/topics/${topic}`)));
  });

  test("what is wrong is refused with the vendor's code", async () => {
    assert.equal(await refusal(clientOf({ accessKeySecret: "wrong" }).listQueue()), "SignatureDoesNotMatch");
    assert.equal(await refusal(clientOf({ accessKeyId: "nobody" }).listQueue()), "InvalidAccessKeyId");
    assert.equal(await refusal(client.sendMessage("node-nowhere", { MessageBody: "x" })), "QueueNotExist");
    assert.equal(await refusal(client.publishMessage("node-nowhere", { MessageBody: "x" })), "TopicNotExist");
    assert.equal(await refusal(client.sendMessage(queue, { Surprise: "x", MessageBody: "x" })), "InvalidArgument");
    assert.equal(await refusal(client.setQueueAttributes(queue, { VisibilityTimeout: 0 })), "InvalidArgument");
  });
});
