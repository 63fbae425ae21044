import { EstafetError } from '../message/errors.ts'
import type { Vault } from '../ports/vault.ts'

/** For a service that reads messages and needs nothing personal of them: everything personal is `erased` for it. */
export const withoutKeys: Vault = {
  seal: () =>
    Promise.reject(
      new EstafetError(
        'MISCONFIGURED',
        'A service without keys cannot publish personal fields: give its store a vault that has them.',
      ),
    ),
  open: (values) => Promise.resolve(values.map(() => ({ kind: 'erased' }))),
}
