/** Who gets what of a page. */
export interface PageParts {
  /** An object, as its JSON has it; of Protocol Buffers, as far as it is read. */
  onObject: (object: unknown) => void;
  /** Where the next page begins, as soon as that is known: Kubernetes writes it before the objects. '' where this is the last. */
  onNext: (next: string) => void;
}

/** Reads a page as it comes in. Both throw an Error, which says what is wrong, where it is not a whole list. */
export interface PageReader {
  push(chunk: Buffer): void;
  end(): void;
}
