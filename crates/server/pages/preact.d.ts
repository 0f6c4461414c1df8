/** What a template makes. */
export type Node = unknown;

export function html(strings: TemplateStringsArray, ...values: unknown[]): Node;
export function render(node: Node, place: Element): void;
export function useEffect(effect: () => void | (() => void), on?: unknown[]): void;
export function useRef<T>(value: T): { current: T };
export function useState<T>(value: T): [T, (next: T | ((before: T) => T)) => void];
