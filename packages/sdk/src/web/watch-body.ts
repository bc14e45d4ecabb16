/** How a body ended. */
interface BodyEnd {
  readonly isAborted: boolean;
  readonly error?: unknown;
}

/**
 * The same answer, whose end is noticed. A body that is read to its end is complete, one that is cancelled belongs to a client that has
 * gone away.
 *
 * @param method of the request: nobody reads the body of an answer to HEAD, so it ends at once
 */
export function watchBody(method: string, response: Response, done: (end: BodyEnd) => void): Response {
  const { body } = response;
  if (body === null || method === "HEAD") {
    done({ isAborted: false });
    return response;
  }
  const reader = body.getReader();
  const watched = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done: isEnd, value } = await reader.read();
        if (!isEnd) return controller.enqueue(value);
        controller.close();
        done({ isAborted: false });
      } catch (error) {
        controller.error(error);
        done({ isAborted: false, error });
      }
    },
    async cancel(reason) {
      done({ isAborted: true });
      await reader.cancel(reason);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(watched, { status, statusText, headers });
}
