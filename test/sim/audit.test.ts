import { SimAudit } from "../../sim/audit.ts";
import { auditContract } from "../contracts/audit.ts";

auditContract("the simulator's audit", async () => {
  const audit = new SimAudit();
  return {
    open: async () => audit,
    acts: async () => audit.acts,
    breakDisk: () => audit.breakDisk(),
    remove: async () => undefined,
  };
});
