"""Settings of every process that talks to the broker."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cart.settings import KeySettings


class MqttSettings(KeySettings):
    """Where the broker is, and what the gateway may take in at once."""

    mqtt_url: Annotated[
        str,
        Field(
            description="`mqtt://user:password@host:1883` or `mqtts://…` of a real broker; empty"
            " starts the embedded one on loopback."
        ),
    ] = ""
    mqtt_version: Annotated[
        Literal["", "3.1.1", "5"],
        Field(
            description="MQTT version to speak; empty: 5 with a real broker, 3.1.1 with the"
            " embedded one, which knows no other."
        ),
    ] = ""
    mqtt_host: Annotated[str, Field(description="Address that the embedded broker listens on.")] = (
        "127.0.0.1"
    )
    mqtt_port: Annotated[
        int,
        Field(ge=0, le=65535, description="Its port; 0 takes a free one."),
    ] = 1883
    mqtt_ca_file: Annotated[
        Path | None,
        Field(
            description="CA that signed the certificate of a broker reached by `mqtts://`; empty:"
            " whom the system trusts."
        ),
    ] = None
    mqtt_tls_cert_file: Annotated[
        Path | None,
        Field(
            description="Certificate with its chain (PEM) of the embedded broker; with it devices"
            " connect to MQTT_TLS_PORT in TLS. Read again when the file changes."
        ),
    ] = None
    mqtt_tls_key_file: Annotated[
        Path | None,
        Field(description="Its key (PEM); empty: in the same file."),
    ] = None
    mqtt_tls_client_ca_file: Annotated[
        Path | None,
        Field(
            description="CA of the devices' own certificates; with it the embedded broker takes"
            " nobody in TLS who has none. Empty: a credential is enough."
        ),
    ] = None
    mqtt_tls_client_cert_alone: Annotated[
        bool,
        Field(
            description="With MQTT_TLS_CLIENT_CA_FILE: a device's certificate is its way in, and"
            " no credential is asked for; its common name is the device's id."
        ),
    ] = False
    mqtt_tls_host: Annotated[
        str, Field(description="Address of the embedded broker's TLS listener, for devices.")
    ] = "0.0.0.0"
    mqtt_tls_port: Annotated[
        int, Field(ge=0, le=65535, description="Its port; 0 takes a free one.")
    ] = 8883
    mqtt_public_url: Annotated[
        str,
        Field(
            description="Address of the broker as devices reach it, given to them at enrolment;"
            " empty: as the gateway reaches it."
        ),
    ] = ""
    gateway_client_id: Annotated[
        str,
        Field(
            description="MQTT client id of this gateway; its session on the broker hangs on it."
            " With GATEWAY_SHARED the beginning of its sessions' client ids (`gateway-p07`), the"
            " same for all gateways."
        ),
    ] = "gateway"
    gateway_shared: Annotated[
        bool,
        Field(
            description="`true`: several gateways share broker and database, each works for its"
            " share of the partitions; needs DATABASE_URL with PostgreSQL, and MQTT_URL."
            " See docs/deploy.md."
        ),
    ] = False
    gateway_name: Annotated[
        str,
        Field(
            pattern=r"^$|^[a-z0-9][a-z0-9-]{0,39}$",
            description="Name of this gateway among several, for people; no two have the same."
            " Empty: the machine's name and the number of the process.",
        ),
    ] = ""
    gateway_queue_events: Annotated[
        int,
        Field(
            ge=100,
            description="Messages held between network and database; at this number the broker"
            " has to wait.",
        ),
    ] = 10_000
    gateway_batch_events: Annotated[
        int, Field(ge=1, le=5000, description="Messages in one transaction at most.")
    ] = 1_000
    gateway_device_burst_events: Annotated[
        int,
        Field(
            ge=100,
            description="Messages that one device may send at once. A tablet that was offline for"
            " days brings a full spool of 40,000. What is beyond is not lost: it is taken at"
            " GATEWAY_DEVICE_EVENTS_PER_S, and the operator sees it.",
        ),
    ] = 40_000
    gateway_device_events_per_s: Annotated[
        int,
        Field(
            ge=1,
            description="Messages a second that one device may send without end. A whole till line"
            " scans ten; a tablet that sends everything again while the gateway hangs, twenty.",
        ),
    ] = 100
    gateway_batch_ms: Annotated[
        int,
        Field(ge=0, le=1000, description="Milliseconds a batch waits to fill while others come."),
    ] = 0
    binding_idle_s: Annotated[
        int,
        Field(
            ge=30,
            description="Seconds without any sign of a visit after which its device is cleared"
            " from here; the device's own countdown comes first.",
        ),
    ] = 600
    device_events_keep_days: Annotated[
        int,
        Field(
            ge=2,
            description="Days after which the gateway condenses what it keeps of a stored event to"
            " some twelve bytes; it counts once all the same.",
        ),
    ] = 30
    device_ca_cert_file: Annotated[
        Path | None,
        Field(
            description="The shop's CA for devices (PEM), which signs each one's certificate at"
            " enrolment; empty: `device-ca.pem` in DATA_DIR, if `gateway device-ca` made it."
        ),
    ] = None
    device_ca_key_file: Annotated[
        Path | None, Field(description="Its key; empty: `device-ca.key` in DATA_DIR.")
    ] = None
    device_cert_days: Annotated[
        int,
        Field(
            ge=3,
            le=825,
            description="Days that a device's certificate is good; it asks for the next one when"
            " a third is left, and one that stayed off the line beyond its end is enrolled anew.",
        ),
    ] = 90
    mosquitto_password_file: Annotated[
        Path | None,
        Field(
            description="Written at every enrolment and revocation, for a Mosquitto broker; what"
            " devices may do goes into `acl` beside it."
        ),
    ] = None
    mosquitto_pid_file: Annotated[
        Path | None,
        Field(description="Process to tell (SIGHUP) when the password file has changed."),
    ] = None
    mosquitto_control_url: Annotated[
        str,
        Field(
            description="`mqtt://control:SECRET@host:1884` of a Mosquitto whose dynamic-security"
            " plug-in has the devices' rules (`gateway broker-files --rules dynamic` prints it);"
            " empty: they are in the file `acl`."
        ),
    ] = ""

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if self.mqtt_tls_client_cert_alone and not self.mqtt_tls_client_ca_file:
            msg = (
                "MQTT_TLS_CLIENT_CERT_ALONE needs MQTT_TLS_CLIENT_CA_FILE: without it nobody is"
                " asked for a certificate"
            )
            raise ValueError(msg)
        if self.mqtt_tls_cert_file is None:
            return self
        if self.mqtt_url:
            msg = (
                "MQTT_TLS_CERT_FILE is for the embedded broker, and MQTT_URL names another: give"
                " the certificate to that one (`gateway broker-files --cert`)"
            )
            raise ValueError(msg)
        if not self.mqtt_public_url.startswith("mqtts://"):
            msg = (
                "MQTT_TLS_CERT_FILE needs MQTT_PUBLIC_URL=mqtts://NAME:8883: devices check the"
                " certificate against the name under which they were told to connect"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _check_shared(self) -> Self:
        if not self.gateway_shared:
            return self
        if not self.database_url.startswith("postgresql"):
            msg = (
                "GATEWAY_SHARED=true needs PostgreSQL, on which all gateways agree who does what:"
                " set DATABASE_URL=postgresql://… to the same for all of them"
            )
            raise ValueError(msg)
        if not self.mqtt_url:
            msg = (
                "GATEWAY_SHARED=true needs a broker that all gateways connect to (`gateway"
                " broker-files` writes one's files): set MQTT_URL=mqtt://server:SECRET@host:1884"
            )
            raise ValueError(msg)
        return self

    @property
    def embedded(self) -> bool:
        """Whether the gateway brings its own broker."""
        return not self.mqtt_url
