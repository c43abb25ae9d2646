/** Where the dashboard is. */
export interface DashboardView {
  readonly port: number;
  /** With the token that signs in. */
  readonly url: string;
}
