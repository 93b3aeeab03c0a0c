// Payments that ask for more or less than the example of `config/types/payment.json`.

/** Ten times the amount and more. */
export const widened = (payment) => withAmount(payment, `9${payment.instructed_amount.amount}`);

/** Less than any amount of these scenes. */
export const narrowed = (payment) => withAmount(payment, '1.00');

function withAmount(payment, amount) {
  return { ...payment, instructed_amount: { ...payment.instructed_amount, amount } };
}
