export const serviceNames = ['orders', 'inventory', 'payments', 'notifications'] as const
export type ServiceName = (typeof serviceNames)[number]

/** Who subscribes to whom: the only relations between the services. */
export const subscribesTo: Readonly<Record<ServiceName, readonly ServiceName[]>> = {
  orders: ['inventory', 'payments'],
  inventory: ['orders'],
  payments: ['orders'],
  notifications: ['orders', 'payments'],
}
