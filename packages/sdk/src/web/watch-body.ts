/**
 * The same answer, whose end is noticed. A body that is read to its end is complete, one that is cancelled belongs to a client that has
 * gone away.
 */
export function watchBody(
  response: Response,
  done: (end: { readonly isAborted: boolean; readonly error?: unknown }) => void,
): Response {
  const { body } = response;
  if (body === null) {
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
