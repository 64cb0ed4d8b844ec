// SPDX-License-Identifier: MIT
/*
 * perfetto.js ENGINE TRACE: lets Perfetto's trace processor read a trace, then answers each line of standard input, a
 * query in SQL, with a line of JSON: a list of rows, each an object. ENGINE is what tools/setup/perfetto.sh prints: the
 * reader as browsers run it, in a worker; here it gets what it needs of one, and nothing else.
 *
 * It speaks protobuf (perfetto's protos/perfetto/trace_processor/trace_processor.proto): TraceProcessorRpcStream.
 */
"use strict";
const fs = require("fs"), path = require("path"), readline = require("readline"), vm = require("vm");

const APPEND = 1, FINALIZE = 2, QUERY = 3;			// TraceProcessorRpc.TraceProcessorMethod
const PIECE = 16 << 20;

class Request {
	send() {}
	open(method, name) {
		const bytes = fs.readFileSync(path.join(process.argv[2], path.basename(name)));

		this.status = 200;
		this.response = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
	}
}

function varint(number) {
	const out = [];

	for (let rest = BigInt(number); out.length === 0 || rest > 0n; rest >>= 7n)
		out.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
	return Buffer.from(out);
}

function field(number, value) {
	if (typeof value === "number")
		return Buffer.concat([varint(number << 3), varint(value)]);
	return Buffer.concat([varint(number << 3 | 2), varint(value.length), value]);
}

/* The number at a place, and the place behind it. */
function number_at(bytes, at) {
	let out = 0n, shift = 0n, byte;

	do {
		byte = bytes[at++];
		out |= BigInt(byte & 127) << shift;
		shift += 7n;
	} while (byte > 127);
	return [out, at];
}

/* Each field of a message: [number, value], a BigInt or a Buffer. */
function* fields(bytes) {
	let at = 0, number;

	while (at < bytes.length) {
		[number, at] = number_at(bytes, at);
		const key = Number(number), kind = key & 7;

		if (kind === 0 || kind === 2)
			[number, at] = number_at(bytes, at);
		if (kind === 0) {
			yield [key >> 3, number];
			continue;
		}
		const size = kind === 1 ? 8 : kind === 5 ? 4 : Number(number);
		yield [key >> 3, bytes.subarray(at, at += size)];
	}
}

function of(bytes, wanted) {
	return [...fields(bytes)].filter(([number]) => number === wanted).map(([, value]) => value);
}

function* packed(bytes) {
	let at = 0, number;

	while (at < bytes.length) {
		[number, at] = number_at(bytes, at);
		yield Number(BigInt.asIntN(64, number));
	}
}

/* QueryResult: the names of columns, and cells of all rows one after the other, by type. */
function rows(results) {
	const names = results.flatMap((one) => of(one, 1)).map(String), cells = [], out = [];

	for (const batch of results.flatMap((one) => of(one, 3))) {
		const whole = of(batch, 2).flatMap((one) => [...packed(one)]);
		const real = Buffer.concat(of(batch, 3));
		const text = of(batch, 5).map((one) => one.toString()).join("").split("\0");
		let reals = 0;

		for (const type of of(batch, 1).flatMap((one) => [...packed(one)]))
			cells.push(type === 2 ? whole.shift() : type === 3 ? real.readDoubleLE(8 * reals++) :
				   type === 4 ? text.shift() : null);
	}
	while (cells.length)
		out.push(Object.fromEntries(names.map((name) => [name, cells.shift()])));
	return out;
}

/* One request; its answers' bytes of @answer. */
function ask(engine, method, number, bytes, answer) {
	const call = Buffer.concat([field(1, engine.calls++), field(2, method), bytes ? field(number, bytes) : Buffer.alloc(0)]);

	engine.replies = [];
	engine.port.onmessage({ data: engine.copied(field(1, call)) });
	const told = of(Buffer.concat(engine.replies), 1);
	for (const text of told.flatMap((one) => of(one, 5)))
		throw new Error(text.toString());
	const out = told.flatMap((one) => of(one, answer));
	for (const text of out.flatMap((one) => of(one, method === FINALIZE ? 1 : 2)))
		throw new Error(text.toString());
	return out;
}

async function start() {
	const engine = { calls: 0, replies: [], port: { postMessage: (bytes) => engine.replies.push(Buffer.from(bytes)) } };
	const box = {
		console: { log() {}, warn() {}, error() {} }, URL, TextDecoder, TextEncoder, performance, setTimeout,
		WorkerGlobalScope: class {}, XMLHttpRequest: Request, importScripts() {},
		location: { href: "https://worker/engine_bundle.js", protocol: "https:", host: "worker" },
	};

	box.self = box;
	vm.createContext(box);
	vm.runInContext(fs.readFileSync(path.join(process.argv[2], "engine_bundle.js"), "utf8"), box, "engine_bundle.js");
	box.onmessage({ data: engine.port });
	engine.copied = vm.runInContext("(bytes) => Uint8Array.from(bytes)", box);
	// The program is there by now; what it does at its beginning waits for this script's end.
	await new Promise((done) => setTimeout(done, 0));
	return engine;
}

async function main() {
	const engine = await start(), trace = fs.readFileSync(process.argv[3]);

	for (let at = 0; at < trace.length; at += PIECE)
		ask(engine, APPEND, 101, trace.subarray(at, at + PIECE), 201);
	ask(engine, FINALIZE, 0, null, 212);
	for await (const line of readline.createInterface({ input: process.stdin }))
		console.log(JSON.stringify(rows(ask(engine, QUERY, 103, field(1, Buffer.from(line)), 203))));
}

main().catch((error) => {
	console.error(`perfetto.js: ${String(error.message).slice(0, 1000)}`);
	process.exit(1);
});
