//! One file for each thing measured, one line here for each file.

pub mod absent;
pub mod aged;
pub mod attribute;
pub mod changes;
pub mod container;
pub mod dbus;
pub mod ecs;
mod ends;
pub mod filter;
#[cfg(test)]
pub(crate) mod fixture;
pub mod flags;
pub mod found;
pub mod host;
pub mod memo;
pub(crate) mod mounts;
pub mod needs;
pub mod rows;
pub mod rtnetlink;
mod shared;
pub mod sheet;
#[cfg(test)]
pub(crate) mod testing;
pub mod topology;
#[cfg(test)]
mod trial;

pub use needs::Need;
pub use shared::Shared;

use std::sync::Arc;
use std::time::SystemTime;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::container::Containers;
use crate::discovery::Discovery;
use crate::exposition::{Descriptor, Text};
use crate::files::{Error, Files, Result, Roots};
use crate::inventory::Inventory;
use crate::lasting::Lasting;
use crate::system::System;

/// Every collector, in the order of the exposition, the flags and the reference.
pub const COLLECTORS: &[Spec] = &[
    Spec::of::<host::arp::Arp>(),
    Spec::of::<host::bcache::Bcache>(),
    Spec::of::<host::bcachefs::Bcachefs>(),
    Spec::of::<host::bonding::Bonding>(),
    Spec::of::<host::btrfs::Btrfs>(),
    Spec::of::<host::buddyinfo::Buddyinfo>(),
    Spec::of::<host::cgroups::Cgroups>(),
    Spec::of::<host::conntrack::Conntrack>(),
    Spec::of::<host::cpu::Cpu>(),
    Spec::of::<host::cpu_vulnerabilities::CpuVulnerabilities>(),
    Spec::of::<host::cpufreq::Cpufreq>(),
    Spec::of::<host::diskstats::Diskstats>(),
    Spec::of::<host::dmi::Dmi>(),
    Spec::of::<host::dmmultipath::DmMultipath>(),
    Spec::of::<host::drbd::Drbd>(),
    Spec::of::<host::drm::Drm>(),
    Spec::of::<host::edac::Edac>(),
    Spec::of::<host::entropy::Entropy>(),
    Spec::of::<host::ethtool::Ethtool>(),
    Spec::of::<host::fibrechannel::FibreChannel>(),
    Spec::of::<host::filefd::Filefd>(),
    Spec::of::<host::filesystem::Filesystem>(),
    Spec::of::<host::hwmon::Hwmon>(),
    Spec::of::<host::infiniband::Infiniband>(),
    Spec::of::<host::interrupts::Interrupts>(),
    Spec::of::<host::ipvs::Ipvs>(),
    Spec::of::<host::kernel_hung::KernelHung>(),
    Spec::of::<host::ksmd::Ksmd>(),
    Spec::of::<host::lnstat::Lnstat>(),
    Spec::of::<host::loadavg::Loadavg>(),
    Spec::of::<host::logind::Logind>(),
    Spec::of::<host::mdadm::Mdadm>(),
    Spec::of::<host::meminfo::Meminfo>(),
    Spec::of::<host::meminfo_numa::MeminfoNuma>(),
    Spec::of::<host::mountstats::Mountstats>(),
    Spec::of::<host::netclass::Netclass>(),
    Spec::of::<host::netdev::Netdev>(),
    Spec::of::<host::netstat::Netstat>(),
    Spec::of::<host::network_route::NetworkRoute>(),
    Spec::of::<host::nfs::Nfs>(),
    Spec::of::<host::nfsd::Nfsd>(),
    Spec::of::<host::ntp::Ntp>(),
    Spec::of::<host::nvme::Nvme>(),
    Spec::of::<host::nvmesubsystem::NvmeSubsystem>(),
    Spec::of::<host::os::Os>(),
    Spec::of::<host::pcidevice::Pcidevice>(),
    Spec::of::<host::perf::Perf>(),
    Spec::of::<host::powersupplyclass::PowerSupplyClass>(),
    Spec::of::<host::pressure::Pressure>(),
    Spec::of::<host::processes::Processes>(),
    Spec::of::<host::qdisc::Qdiscs>(),
    Spec::of::<host::rapl::Rapl>(),
    Spec::of::<host::schedstat::Schedstat>(),
    Spec::of::<host::selinux::Selinux>(),
    Spec::of::<host::slabinfo::Slabinfo>(),
    Spec::of::<host::sockstat::Sockstat>(),
    Spec::of::<host::softirqs::Softirqs>(),
    Spec::of::<host::softnet::Softnet>(),
    Spec::of::<host::stat::Stat>(),
    Spec::of::<host::swap::Swap>(),
    Spec::of::<host::sysctl::Sysctl>(),
    Spec::of::<host::systemd::Systemd>(),
    Spec::of::<host::tapestats::Tapestats>(),
    Spec::of::<host::tcpstat::Tcpstat>(),
    Spec::of::<host::textfile::Textfile>(),
    Spec::of::<host::thermal_zone::ThermalZone>(),
    Spec::of::<host::time::Time>(),
    Spec::of::<host::timex::Timex>(),
    Spec::of::<host::udp_queues::UdpQueues>(),
    Spec::of::<host::uname::Uname>(),
    Spec::of::<host::vmstat::Vmstat>(),
    Spec::of::<host::watchdog::Watchdog>(),
    Spec::of::<host::wifi::Wifi>(),
    Spec::of::<host::xfrm::Xfrm>(),
    Spec::of::<host::xfs::Xfs>(),
    Spec::of::<host::zfs::Zfs>(),
    Spec::of::<host::zoneinfo::Zoneinfo>(),
    Spec::of::<container::advtcp::AdvTcp>(),
    Spec::of::<container::cpu::Cpu>(),
    Spec::of::<container::cpu_topology::CpuTopology>(),
    Spec::of::<container::cpuset::Cpuset>(),
    Spec::of::<container::files::OpenFiles>(),
    Spec::of::<container::hugetlb::Hugetlb>(),
    Spec::of::<container::filesystem::Filesystem>(),
    Spec::of::<container::ended::Ended>(),
    Spec::of::<container::io::Io>(),
    Spec::of::<container::load::Load>(),
    Spec::of::<container::machine::Machine>(),
    Spec::of::<container::memory::Memory>(),
    Spec::of::<container::memory_numa::MemoryNuma>(),
    Spec::of::<container::network::Network>(),
    Spec::of::<container::perf::Perf>(),
    Spec::of::<container::pressure::Pressure>(),
    Spec::of::<container::process::Process>(),
    Spec::of::<container::referenced_memory::ReferencedMemory>(),
    Spec::of::<container::resctrl::Resctrl>(),
    Spec::of::<container::sched::Sched>(),
    Spec::of::<container::spec::Spec>(),
    Spec::of::<container::tcp::Tcp>(),
    Spec::of::<container::udp::Udp>(),
    Spec::of::<ecs::adot::Adot>(),
    Spec::of::<ecs::container::Container>(),
    Spec::of::<ecs::info::Info>(),
    Spec::of::<ecs::instance::Instance>(),
    Spec::of::<ecs::scrape_targets::ScrapeTargets>(),
    Spec::of::<ecs::task::Task>(),
    Spec::of::<ecs::lasting::Lasting>(),
    Spec::of::<ecs::totals::TaskTotals>(),
];

/// The host as one scrape sees it. Kept from one to the next.
#[derive(Debug)]
pub struct Host {
    /// The host itself, its tasks and containers; `None` where control groups are not to be seen.
    pub containers: Option<Containers>,
    /// Who is who, as the labels of the containers have it.
    pub inventory: Arc<Inventory>,
    /// What outlives containers.
    pub lasting: Lasting,
    /// Finds who asks to be scraped.
    pub discovery: Arc<Discovery>,
    /// Reads files.
    pub files: Files,
    /// Files that several collectors read.
    pub shared: Shared,
    /// Makes system calls.
    pub system: System,
    /// When the scrape began.
    pub now: SystemTime,
    /// Items that failed inside collectors that went on without them.
    pub failures: Failures,
}

/// What failed inside a collector that went on: one mount of many, one container of many.
#[derive(Debug, Default)]
pub struct Failures {
    /// How many since the start.
    pub count: u64,
    /// The first of this scrape, for the log.
    pub first: Option<String>,
}

impl Failures {
    /// Counts an item that failed. One that is merely gone is no failure.
    pub fn note(&mut self, error: &Error) {
        if !matches!(error, Error::Absent(_)) {
            self.count += 1;
            self.first.get_or_insert_with(|| error.to_string());
        }
    }

    /// As [`note`](Self::note), but for an attribute of a device, which is no failure either if its
    /// driver has no value for it now.
    pub fn note_attribute(&mut self, error: &Error) {
        if !error.is_no_value() {
            self.note(error);
        }
    }
}

/// Something that is measured on every scrape.
pub trait Collector: Sized + Send + 'static {
    /// Its name in flags, logs and the `collector` label.
    const NAME: &'static str;
    /// One line for the reference and `--help`.
    const ABOUT: &'static str;
    /// Whether it runs unless a flag says otherwise.
    const BY_DEFAULT: bool = true;
    /// What it needs of the host.
    const NEEDS: &'static [Need] = &[];
    /// Its own flags; `()` for most.
    type Flags: Args;

    /// Every family it may write.
    fn families() -> impl Iterator<Item = Descriptor>;

    /// Prepares it, once. The only error is [`Error::Config`]: what a host lacks shows when it is
    /// measured.
    fn new(flags: Self::Flags, roots: &Roots) -> Result<Self>;

    /// Measures, and writes what it found. On an error, what it wrote is discarded.
    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()>;
}

/// A collector made ready to run.
pub type Running = Box<dyn FnMut(&mut Host, &mut Text) -> Result<()> + Send>;

/// A [`Collector`] as data.
pub struct Spec {
    /// [`Collector::NAME`].
    pub name: &'static str,
    /// [`Collector::ABOUT`].
    pub about: &'static str,
    /// [`Collector::BY_DEFAULT`].
    pub by_default: bool,
    /// [`Collector::NEEDS`].
    pub needs: &'static [Need],
    /// [`Collector::families`].
    pub families: fn() -> Vec<Descriptor>,
    /// Adds its flags to a command line, as [`flags::augment`] does.
    pub flags: fn(Command) -> Command,
    /// Makes it ready, from that command line.
    pub start: fn(&ArgMatches, &Roots) -> Result<Running>,
}

impl Spec {
    /// The collector `C` as data.
    pub const fn of<C: Collector>() -> Self {
        Self {
            name: C::NAME,
            about: C::ABOUT,
            by_default: C::BY_DEFAULT,
            needs: C::NEEDS,
            families: || C::families().collect(),
            flags: flags::augment::<C::Flags>,
            start: start::<C>,
        }
    }

    /// The group it belongs to in `collect[]`: `node`, `container` or `ecs`.
    pub fn group(&self) -> &'static str {
        match self.name.split_once('.') {
            Some(("container", _)) => "container",
            Some(("ecs", _)) => "ecs",
            _ => "node",
        }
    }
}

fn start<C: Collector>(matches: &ArgMatches, roots: &Roots) -> Result<Running> {
    #[expect(clippy::expect_used, reason = "these flags were added to this very command line")]
    let flags = C::Flags::from_arg_matches(matches).expect("clap has checked them");
    let mut collector = C::new(flags, roots)?;
    Ok(Box::new(move |host, text| collector.collect(host, text)))
}
