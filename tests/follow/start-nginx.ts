import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PATHS = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"];

/** Path of nginx, where it is installed (Debian: nginx-light). */
export const nginxPath = PATHS.find((path) => existsSync(path) && spawnSync(path, ["-v"]).status === 0);

/** A running nginx with a log of its own. */
export class Nginx {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 });
  readonly log: string;
  #rotations = 0;

  private constructor(child: ChildProcess, port: number, log: string) {
    this.#child = child;
    this.#port = port;
    this.log = log;
  }

  static async start(directory: string, port: number): Promise<Nginx> {
    mkdirSync(directory, { recursive: true });
    const log = join(directory, "access.log");
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => {
      return `${name}_temp_path ${join(directory, name)};`;
    });
    const config = `
      ${process.getuid?.() === 0 ? "user root;" : ""}
      worker_processes 2; daemon off; pid ${join(directory, "pid")}; error_log ${join(directory, "error.log")};
      events { worker_connections 64; }
      http { access_log ${log} combined; ${temporary.join(" ")}
        server { listen 127.0.0.1:${port}; location / { return 200 "ok"; } } }`;
    writeFileSync(join(directory, "nginx.conf"), config);
    const child = spawn(nginxPath ?? "nginx", ["-c", join(directory, "nginx.conf"), "-p", directory], {
      stdio: "ignore",
    });
    process.once("exit", () => child.kill("SIGKILL"));
    const nginx = new Nginx(child, port, log);
    for (let tries = 0; !(await nginx.get("/ready").catch(() => false)); tries += 1) {
      if (tries > 100) throw new Error("nginx does not answer");
      await sleep(50);
    }
    return nginx;
  }

  /** Asks for a path; true when it was answered with 200. */
  get(path: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const ask = request({ host: "127.0.0.1", port: this.#port, path, agent: this.#agent }, (answer) => {
        answer.resume().once("end", () => resolve(answer.statusCode === 200));
      });
      ask.once("error", reject).end();
    });
  }

  /** Renames the log and has nginx open a new one, as logrotate does. */
  rotate(): void {
    for (let old = this.#rotations; old > 0; old -= 1) renameSync(`${this.log}.${old}`, `${this.log}.${old + 1}`);
    renameSync(this.log, `${this.log}.1`);
    this.#rotations += 1;
    this.#child.kill("SIGUSR1");
  }

  /** Lets it finish and write everything. */
  async stop(): Promise<void> {
    this.#agent.destroy();
    const ended = new Promise((resolve) => {
      this.#child.once("close", resolve);
    });
    this.#child.kill("SIGQUIT");
    await ended;
  }
}
