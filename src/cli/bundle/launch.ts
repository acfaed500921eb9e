#!/usr/bin/env node
/** The file that `passport` starts: it runs the bundle of the command. CommonJS: Node starts it 5 ms sooner than a module. */
import { join } from 'node:path';
import { load } from './script.ts';

/** Put in by the build. */
declare const BUNDLE: string;

load(join(__dirname, BUNDLE)).command.main();
