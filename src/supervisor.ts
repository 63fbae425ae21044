export {
  type Announcement,
  type SupervisedProcess,
  type Supervisor,
  type SupervisorOptions,
  supervise,
} from './runtime/supervisor/supervise.ts'
export { supervised } from './runtime/supervisor/supervised.ts'
