export { Report } from '../../openid-client/lib/report.mjs';
