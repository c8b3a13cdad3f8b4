using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using X86 = System.Runtime.Intrinsics.X86;
using Arm = System.Runtime.Intrinsics.Arm;

namespace Mlops.Sdk;

/// <summary>Writes down where a run takes place. Starts no process and reads nothing but the git folder.</summary>
public static class EnvironmentCapture
{
    private const int MaxGitBytes = 1 << 20;

    /// <summary>Describes this process and machine.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="packages">The names of the assemblies that matter, such as <c>Microsoft.ML</c>; one that is not loaded is left out.</param>
    /// <returns>The description. Its git commit is the one checked out above the current directory, or null.</returns>
    public static EnvironmentInfo Now(int seed, params IEnumerable<string> packages) =>
        At(seed, packages, Directory.GetCurrentDirectory());

    internal static EnvironmentInfo At(int seed, IEnumerable<string> packages, string directory)
    {
        ArgumentNullException.ThrowIfNull(packages);
        HashSet<string> wanted = new(packages, StringComparer.Ordinal);
        SortedDictionary<string, string> versions = new(StringComparer.Ordinal);
        foreach (Assembly assembly in AppDomain.CurrentDomain.GetAssemblies())
        {
            AssemblyName name = assembly.GetName();
            if (name.Name is not null && wanted.Contains(name.Name))
            {
                versions[name.Name] = VersionOf(assembly, name);
            }
        }

        return new EnvironmentInfo(
            RuntimeInformation.FrameworkDescription,
            RuntimeInformation.OSDescription,
            RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
            Environment.ProcessorCount,
            versions,
            seed)
        {
            CpuFeatures = CpuFeatures(),
            GitCommit = GitCommit(directory),
        };
    }

    /// <summary>Finds the commit checked out in the work tree that a directory lies in, by reading <c>.git</c>.</summary>
    internal static string? GitCommit(string directory)
    {
        try
        {
            for (DirectoryInfo? at = new(directory); at is not null; at = at.Parent)
            {
                string dot = Path.Combine(at.FullName, ".git");
                if (Directory.Exists(dot))
                {
                    return CommitOf(dot);
                }

                if (File.Exists(dot))
                {
                    // A linked work tree: the file names the folder with its HEAD.
                    string text = ReadSmall(dot);
                    return text.StartsWith("gitdir:", StringComparison.Ordinal)
                        ? CommitOf(Path.GetFullPath(text["gitdir:".Length..].Trim(), at.FullName))
                        : null;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return null; // the commit is a help for people; a repository that cannot be read must not stop a run
        }

        return null;
    }

    private static string? CommitOf(string git)
    {
        string head = ReadSmall(Path.Combine(git, "HEAD"));
        if (!head.StartsWith("ref:", StringComparison.Ordinal))
        {
            return CommitOrNull(head);
        }

        string reference = head["ref:".Length..].Trim();
        if (!reference.StartsWith("refs/", StringComparison.Ordinal) || reference.Contains("..", StringComparison.Ordinal))
        {
            return null;
        }

        string commonFile = Path.Combine(git, "commondir");
        string common = File.Exists(commonFile) ? Path.GetFullPath(ReadSmall(commonFile), git) : git;
        foreach (string folder in (ReadOnlySpan<string>)[git, common])
        {
            string loose = Path.Combine(folder, reference);
            if (File.Exists(loose))
            {
                return CommitOrNull(ReadSmall(loose));
            }
        }

        string packed = Path.Combine(common, "packed-refs");
        if (!File.Exists(packed) || new FileInfo(packed).Length > MaxGitBytes)
        {
            return null;
        }

        foreach (string line in File.ReadLines(packed))
        {
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            if (space > 0 && line.AsSpan(space + 1).SequenceEqual(reference))
            {
                return CommitOrNull(line[..space]);
            }
        }

        return null;
    }

    private static string ReadSmall(string path) => new FileInfo(path).Length is <= 4096
        ? File.ReadAllText(path).Trim()
        : throw new IOException($"'{path}' is too long for a file of git.");

    private static string? CommitOrNull(string text) =>
        text.Length is 40 or 64 && text.All(char.IsAsciiHexDigitLower) ? text : null;

    private static string VersionOf(Assembly assembly, AssemblyName name)
    {
        string? informational = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        return informational?.Split('+')[0] ?? name.Version?.ToString() ?? "unknown";
    }

    private static List<string> CpuFeatures()
    {
        (string Name, bool Has)[] all =
        [
            ("sse4.2", X86.Sse42.IsSupported),
            ("avx", X86.Avx.IsSupported),
            ("avx2", X86.Avx2.IsSupported),
            ("fma", X86.Fma.IsSupported),
            ("bmi2", X86.Bmi2.IsSupported),
            ("avx512f", X86.Avx512F.IsSupported),
            ("neon", Arm.AdvSimd.IsSupported),
            ("vector" + (Vector512.IsHardwareAccelerated ? "512" : Vector256.IsHardwareAccelerated ? "256" : "128"), Vector128.IsHardwareAccelerated),
        ];
        return [.. all.Where(f => f.Has).Select(f => f.Name)];
    }
}
