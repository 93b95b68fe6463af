// What the server has: its models and their named directions, read once and anew where the page has changed them.
import { forgetAnswers } from "../api/cached.ts";
import { deleteDirection, followJob, get, isAborted, post } from "../api/client.ts";
import type { Direction, Job, Model } from "../api/types.ts";
import { token } from "../api/token.ts";
import type { Target } from "./commands.ts";
import type { MadeDirection } from "./workspace.ts";

class Server {
  models = $state.raw<Model[]>([]);
  directions = $state.raw<readonly [Direction[], Direction[]]>([[], []]);
  error = $state.raw<unknown>(null);
  /** The jobs that build the models' maps, while they run. */
  building = $state.raw<Job[]>([]);
  /** Counts changes after which old answers no longer hold. */
  version = $state(0);

  async load(): Promise<void> {
    try {
      this.models = (await get("/api/models")).models;
      this.error = null;
      for (const model of this.models) await this.loadDirections(model.model);
      for (const model of this.models) if (model.corpus.job !== null) void this.#awaitCorpus(model.corpus.job);
    } catch (error) {
      this.error = error;
    }
  }

  async loadDirections(model: number): Promise<void> {
    const { directions } = await get("/api/directions", { model });
    this.directions = model === 0 ? [directions, this.directions[1]] : [this.directions[0], directions];
  }

  async fitDirection(made: MadeDirection, model: number, signal?: AbortSignal): Promise<Direction> {
    const lists = {
      positive: made.positive,
      negative: made.negative,
      positive_points: made.positivePoints,
      negative_points: made.negativePoints,
    };
    const from = made.label === null ? lists : { label: made.label };
    const fitted = await post("/api/directions", { model, name: made.name, method: made.method, ...from }, signal);
    await this.#directionsChanged(model);
    return fitted;
  }

  async deleteDirection(name: string, model: number): Promise<void> {
    await deleteDirection(name, model);
    await this.#directionsChanged(model);
  }

  model(number: number): Model | undefined {
    return this.models.find((model) => model.model === number);
  }

  /** Whose folder and address "as a command" names. */
  target(model: number): Target {
    return {
      folder: this.model(model)?.name ?? "MODEL",
      server: new URL(".", location.href).href.replace(/\/$/, ""),
      hasToken: token() !== null,
    };
  }

  /** Reads the models anew: an evaluation has changed a verdict, or the corpus is there. */
  async reloadModels(): Promise<void> {
    this.models = (await get("/api/models")).models;
  }

  async #directionsChanged(model: number): Promise<void> {
    forgetAnswers();
    await this.loadDirections(model);
    this.version++;
  }

  async #awaitCorpus(id: string): Promise<void> {
    try {
      await followJob(id, (job) => (this.building = [...this.#otherThan(id), job]));
      await this.reloadModels();
    } catch (error) {
      if (!isAborted(error)) this.error = error;
    } finally {
      this.building = this.#otherThan(id);
    }
  }

  #otherThan(id: string): Job[] {
    return this.building.filter((job) => job.id !== id);
  }
}

export const server = new Server();
