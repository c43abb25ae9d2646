export declare function loop(id: string, more: object): object;
export declare const statusView: object;
