import type { Actor } from "./demo-event.ts";
import type { Random } from "./random.ts";

/** Someone who works at the company, with the exact id that the identity provider knows. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly groups: readonly string[];
  readonly department: string;
  /** Office or home address that the person usually comes from. */
  readonly ip: string;
  readonly userAgent: string;
}

/** A program with an account of its own. */
export interface ServiceAccount {
  readonly id: string;
  readonly host: string;
  readonly ip: string;
}

/** Where people sign in; the namespace of their ids. */
export const IDENTITIES = "alderbrook";
/** The namespace of service accounts. */
export const SERVICES = "prod";
export const CLINICS = 6;
export const PATIENTS = 40_000;

const userAgents = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_6) Safari/26.0",
  "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Firefox/144.0",
] as const;

const staff = {
  clinical:
    "Amara Okafor, Birgit Sandvik, Chidi Nwosu, Dilara Aydin, Elena Petrova, Farid Haddad, Greta Lindqvist, Hugo Marchetti, Ines Carvalho, Jonas Weber, Kavya Raman, Liam Byrne, Mei Tanaka, Nora Halvorsen",
  support: "Omar Benali, Paula Jimenez, Quentin Dubois, Rosa Keller, Samir Kapoor, Tove Nilsen, Uma Krishnan",
  finance: "Viktor Novak, Wanda Zielinska, Xavier Leclerc, Yasmin Farouk",
  engineering:
    "Zoe Abrams, Arjun Mehta, Bianca Rossi, Caleb Stone, Daria Volkova, Emil Sorensen, Freya Hansen, Gabriel Costa",
  platform: "Hana Kimura, Ivo Horvat, Jana Prokop",
  people: "Kofi Mensah, Lucia Moreno",
} as const;

const departmentGroups: Readonly<Record<string, readonly string[]>> = {
  clinical: ["clinicians"],
  support: ["support"],
  finance: ["finance", "billing-readers"],
  engineering: ["developers"],
  platform: ["cluster-admins"],
  people: ["people-operations"],
};

function makePeople(): readonly Person[] {
  const people: Person[] = [];
  for (const [department, names] of Object.entries(staff)) {
    for (const name of names.split(", ")) {
      const number = people.length;
      const atHome = number % 3 === 0;
      people.push({
        id: `00u${(0x51c3a7 + number * 0x2f1b).toString(36)}`,
        name,
        email: `${name.toLowerCase().replace(" ", ".")}@alderbrook.example`,
        groups: departmentGroups[department] ?? ["staff"],
        department,
        ip: atHome ? `198.51.100.${10 + number}` : `10.20.${number % CLINICS}.${20 + number}`,
        userAgent: userAgents[number % userAgents.length] ?? userAgents[0],
      });
    }
  }
  return people;
}

/** Everyone at Alderbrook Clinics, a company that does not exist. */
export const people: readonly Person[] = makePeople();

/** Those of one department. */
export function peopleOf(department: keyof typeof staff): readonly [Person, ...Person[]] {
  const [first, ...others] = people.filter((person) => person.department === department);
  if (first === undefined) throw new Error(`nobody works in ${department}`);
  return [first, ...others];
}

export const services = {
  api: { id: "svc-patient-api", host: "patient-api-6f7d9c5b4", ip: "10.40.1.17" },
  billing: { id: "svc-billing", host: "billing-5d8f7b6c9", ip: "10.40.1.23" },
  reports: { id: "svc-reports", host: "reports-79c6d4f8b", ip: "10.40.2.9" },
  backup: { id: "svc-backup", host: "backup-28941120", ip: "10.40.3.4" },
  deploy: { id: "svc-deploy", host: "runner-04", ip: "10.30.0.12" },
} as const satisfies Record<string, ServiceAccount>;

/** The session that a person works in for a day: the same id all day long. */
function sessionId(person: Person, atMs: number): string {
  const day = Math.floor(atMs / 86_400_000);
  return `ses-${person.id.slice(3)}-${day.toString(36)}`;
}

export function personActor(person: Person, atMs: number): Actor {
  const { id, name, groups } = person;
  return {
    type: "user",
    id,
    ns: IDENTITIES,
    name,
    groups,
    session: { id: sessionId(person, atMs), mfa: true },
  };
}

export function serviceActor(service: ServiceAccount): Actor {
  return {
    type: "service",
    id: service.id,
    ns: SERVICES,
    credential: { kind: "token", id: `tok-${service.id.slice(4)}` },
  };
}

/** From where a person works: through the company's proxy, so the address is a forwarded one. */
export function personSource(person: Person) {
  return {
    ip: person.ip,
    ipTrust: "forwarded",
  } as const;
}

export function patientId(random: Random): string {
  return `pat-${100_000 + random.skewed(PATIENTS)}`;
}
