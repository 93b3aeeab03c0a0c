// What the applications ask for.

import { push } from '../../openid-client/lib/journey.mjs';

import { BANK, CALENDAR } from './world.mjs';

export const KLM = payment('412.00', 'KLM', 'NL91ABNA0417164300', 'Booking 7KQ2PX');
export const HOTEL = payment('1280.50', 'Grand Hotel Oslo', 'NO9386011117947', 'Room 402, 23 to 27 November');

/** Two payments and a scope, for a stated purpose: the ordinary case. */
export const trip = (world) =>
  pushed(world.planner, world, {
    scope: 'accounts:read',
    details: [KLM, HOTEL],
    purpose: 'Book the cheapest direct flight to Oslo for your meeting on 24 November.',
  });

/** At two resources. */
export const week = (world) =>
  pushed(world.planner, world, {
    scope: 'events:read',
    details: [KLM, calendar('work')],
    purpose: 'Find a day for the trip to Oslo, and book the flight.',
  });

/** A single payment. */
export const ticket = (world) =>
  pushed(world.planner, world, { details: [KLM], purpose: 'Book a direct flight to Oslo.' });

/** An application that is no agent. */
export const report = (world) => pushed(world.reports, world, { scope: 'openid accounts:read' });

/** As long as everything may be, in German. */
export const long = (world) =>
  pushed(world.long, world, {
    scope: 'openid accounts:read events:read',
    details: [...Array.from({ length: 12 }, (_, place) => invoice(place + 1)), calendar('Überstundenausgleichsplanung')],
    purpose: 'Überweise bitte alle zwölf Rechnungen der Großschifffahrtsverwaltung für März, April und Mai, je eine Woche vor ihrer Fälligkeit, an uns. Danke'.slice(0, 140),
  });

/** Names in a script that runs the other way. */
export const rightToLeft = (world) =>
  pushed(world.rtl, world, {
    details: [payment('75.00', 'شركة الطيران الوطنية', 'SA0380000000608010167519', 'حجز رقم 4417'), KLM],
    purpose: 'حجز أرخص رحلة مباشرة إلى أوسلو لاجتماعك يوم الثلاثاء',
  });

async function pushed(application, world, { details, purpose, ...parameters }) {
  const request = { redirect_uri: world.landing.redirectUri, ...parameters };
  if (details !== undefined) request.authorization_details = JSON.stringify(details);
  if (purpose !== undefined) request.mission_intent = JSON.stringify({ intent: { goal: purpose, purpose } });
  const found = await push(application, request);
  return { ...found, application };
}

function payment(amount, name, iban, reference) {
  return {
    type: 'payment',
    instructed_amount: { amount, currency: 'EUR' },
    creditor: { name, account: { iban } },
    reference,
    locations: [BANK],
  };
}

function invoice(number) {
  const name = 'Großhandelsgesellschaft für Schiffsausrüstungen und Überseeverpackungen Müller, Jäger & Söhne';
  return payment(`${number}234567.89`, name, 'DE89370400440532013000', `Rechnung RE-2026-${number} gemäß Rahmenvertrag`);
}

function calendar(name) {
  return {
    type: 'calendar',
    calendar: name,
    actions: ['read', 'create'],
    period: { from: '2026-11-23T00:00:00+01:00', until: '2026-11-27T18:00:00+01:00' },
    locations: [CALENDAR],
  };
}
