using System.IO.Compression;
using System.Xml.Linq;

namespace Mlops.Sdk.Integration.Tests;

/// <summary>Packs the packages into a folder feed and uses them the way somebody would who has only the feed.</summary>
public sealed class PackageTests(PackageTests.Feed feed) : IClassFixture<PackageTests.Feed>
{
    private static readonly string[] Expected =
    [
        "Mlops.Sdk", "Mlops.Sdk.Azure", "Mlops.Sdk.Core", "Mlops.Sdk.Data", "Mlops.Sdk.Governance", "Mlops.Sdk.LightGbm", "Mlops.Sdk.MLNet",
        "Mlops.Sdk.Monitoring", "Mlops.Sdk.Pipelines", "Mlops.Sdk.Registry", "Mlops.Sdk.Serving", "Mlops.Sdk.Testing",
    ];

    [Fact]
    public void Every_package_is_there_with_readme_icon_licence_and_symbols()
    {
        Assert.Equal(Expected, feed.Packages.Select(p => p.Id).Order(StringComparer.Ordinal));
        foreach ((string id, string file) in feed.Packages)
        {
            using ZipArchive zip = ZipFile.OpenRead(file);
            string[] names = [.. zip.Entries.Select(e => e.FullName)];
            Assert.Contains("README.md", names);
            Assert.Contains("icon.png", names);
            Assert.Contains($"lib/net10.0/{id}.dll", names);
            Assert.Contains($"lib/net10.0/{id}.xml", names);
            Assert.True(File.Exists(Path.ChangeExtension(file, ".snupkg")), $"{id} has no symbol package.");
            using Stream stream = zip.GetEntry($"{id}.nuspec")!.Open();
            XElement metadata = XDocument.Load(stream).Root!.Elements().Single(e => e.Name.LocalName == "metadata");
            Assert.Equal("MIT", metadata.Elements().Single(e => e.Name.LocalName == "license").Value);
            Assert.True(metadata.Elements().Single(e => e.Name.LocalName == "description").Value.Length > 40, $"{id} has no description.");
        }
    }

    [Fact]
    public void Serving_and_monitoring_bring_no_ML_NET()
    {
        foreach (string id in new[] { "Mlops.Sdk.Core", "Mlops.Sdk.Data", "Mlops.Sdk.Registry", "Mlops.Sdk.Serving", "Mlops.Sdk.Monitoring", "Mlops.Sdk.Governance" })
        {
            using ZipArchive zip = ZipFile.OpenRead(feed.Packages.Single(p => p.Id == id).File);
            using Stream stream = zip.GetEntry($"{id}.nuspec")!.Open();
            IEnumerable<string?> dependencies = XDocument.Load(stream).Descendants().Where(e => e.Name.LocalName == "dependency").Select(e => (string?)e.Attribute("id"));
            Assert.DoesNotContain(dependencies, d => d!.StartsWith("Microsoft.ML", StringComparison.Ordinal) || d is "LightGBM" or "Mlops.Sdk.MLNet");
        }
    }

    [Fact]
    public async Task A_small_application_builds_and_runs_against_the_packages()
    {
        string app = Directory.CreateDirectory(Path.Combine(feed.Folder, "app")).FullName;
        string source = Path.Combine(Repository.Root, "tests", "Mlops.Sdk.Integration.Tests", "PackagedApp");
        File.Copy(Path.Combine(source, "Program.cs"), Path.Combine(app, "Program.cs"));
        await File.WriteAllTextAsync(
            Path.Combine(app, "App.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <RestoreAdditionalProjectSources>{feed.Folder}</RestoreAdditionalProjectSources>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Mlops.Sdk" Version="{feed.Version}" />
              </ItemGroup>
            </Project>
            """);

        await using ProgramUnderTest program = ProgramUnderTest.Start("dotnet", app, ["run"], feed.Environment);
        int exit = await program.EndAsync();
        Assert.True(exit == 0, $"{program.Output}\n{program.Errors}");
        Assert.Contains("champion: hello v1", program.Output, StringComparison.Ordinal);
        Assert.Contains("answered by version 1", program.Output, StringComparison.Ordinal);
    }

    /// <summary>The packages, packed once for all tests here.</summary>
    public sealed class Feed : IAsyncLifetime
    {
        private readonly TemporaryFolder _folder = new();

        internal string Folder => _folder.Path;

        internal string Version { get; } = $"0.1.0-test.{ProcessId}";

        internal IReadOnlyList<(string Id, string File)> Packages { get; private set; } = [];

        /// <summary>Gets a package cache of our own, so that the machine's is not filled with test versions; what is there already is used.</summary>
        internal IReadOnlyDictionary<string, string> Environment { get; private set; } = new Dictionary<string, string>();

        private static int ProcessId => System.Environment.ProcessId;

        public async ValueTask InitializeAsync()
        {
            await using ProgramUnderTest pack = ProgramUnderTest.Start(
                "dotnet",
                Repository.Root,
                ["pack", "Mlops.Sdk.sln", "-c", "Release", "-o", Folder, $"-p:Version={Version}", "-v", "q"]);
            int exit = await pack.EndAsync();
            Assert.True(exit == 0, $"{pack.Output}\n{pack.Errors}");
            Packages = [.. Directory.GetFiles(Folder, "*.nupkg").Select(f => (Path.GetFileName(f)[..^$".{Version}.nupkg".Length], f))];

            string cache = System.Environment.GetEnvironmentVariable("NUGET_PACKAGES")
                ?? Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), ".nuget", "packages");
            Environment = new Dictionary<string, string>
            {
                ["NUGET_PACKAGES"] = _folder["packages"],
                ["NUGET_FALLBACK_PACKAGES"] = cache,
                ["CI"] = "false",
            };
        }

        public ValueTask DisposeAsync()
        {
            _folder.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
