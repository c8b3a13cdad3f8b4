using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mlops.Sdk;

/// <summary>What .NET has no call for: publishing a file without replacing another one, and making a folder's entries durable.</summary>
internal static partial class DurableFiles
{
    private const int ErrorExists = 17;
    private const int WindowsFileExists = 80;
    private const int WindowsAlreadyExists = 183;

    /// <summary>Gives a finished file its name if nobody else has the name, atomically. File.Move without overwrite is a check and then a rename on Unix.</summary>
    /// <returns>False when the name is taken.</returns>
    internal static bool TryPublish(string temporary, string target)
    {
        if (OperatingSystem.IsWindows())
        {
            if (MoveFileEx(temporary, target, 8 /* write through */))
            {
                return true;
            }

            int windowsError = Marshal.GetLastPInvokeError();
            return windowsError is WindowsFileExists or WindowsAlreadyExists
                ? false
                : throw new IOException($"'{target}' cannot be created: {Marshal.GetPInvokeErrorMessage(windowsError)}.");
        }

        if (Link(temporary, target) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == ErrorExists)
            {
                SyncFolder(Path.GetDirectoryName(target)!); // who lost builds on what the winner wrote: its name must be durable too
                return false;
            }

            throw error is 1 or 13
                ? new UnauthorizedAccessException($"'{target}' cannot be created: {Marshal.GetPInvokeErrorMessage(error)}.")
                : new IOException($"'{target}' cannot be created: {Marshal.GetPInvokeErrorMessage(error)}.", error);
        }

        File.Delete(temporary);
        SyncFolder(Path.GetDirectoryName(target)!);
        return true;
    }

    /// <summary>Tells whether opening failed because somebody else has the file.</summary>
    internal static bool IsSharingViolation(IOException error)
    {
        const int wouldBlock = 11;
        const int macWouldBlock = 35;
        const int windowsSharing = unchecked((int)0x80070020);
        return error.HResult is wouldBlock or macWouldBlock or windowsSharing;
    }

    /// <summary>Replaces a file by a finished one, atomically and durably.</summary>
    internal static void Replace(string temporary, string target)
    {
        File.Move(temporary, target, overwrite: true);
        SyncFolder(Path.GetDirectoryName(target)!);
    }

    /// <summary>Lets the system copy a part of a file to the place where another one is written: no byte comes through this process.</summary>
    /// <returns>How many bytes were copied; -1 when this system or this pair of files cannot, and 0 at the end of the source.</returns>
    internal static long TryCopyRange(SafeFileHandle source, long sourceOffset, SafeFileHandle target, long targetOffset, long length)
    {
        const int interrupted = 4;
        if (!OperatingSystem.IsLinux())
        {
            return -1;
        }

        while (true)
        {
            nint copied = CopyFileRange(source, ref sourceOffset, target, ref targetOffset, (nint)length, 0);
            if (copied >= 0)
            {
                return copied;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error is 28 or 27 or 5 or 122) // no space, too large, medium, quota: the slow way would meet them too
            {
                throw new IOException($"Copying a part of a file failed: {Marshal.GetPInvokeErrorMessage(error)}.", error);
            }

            if (error != interrupted)
            {
                return -1;
            }
        }
    }

    /// <summary>Makes the names in a folder durable.</summary>
    internal static void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // NTFS journals names; a folder cannot be flushed
        }

        int handle = Open(folder, 0);
        if (handle < 0)
        {
            throw new IOException($"The folder '{folder}' cannot be opened to make it durable: {Marshal.GetLastPInvokeErrorMessage()}.", Marshal.GetLastPInvokeError());
        }

        try
        {
            if (FSync(handle) != 0)
            {
                throw new IOException($"The folder '{folder}' cannot be made durable: {Marshal.GetLastPInvokeErrorMessage()}.", Marshal.GetLastPInvokeError());
            }
        }
        finally
        {
            _ = Close(handle);
        }
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Link(string existing, string created);

    [LibraryImport("libc", EntryPoint = "copy_file_range", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint CopyFileRange(SafeFileHandle source, ref long sourceOffset, SafeFileHandle target, ref long targetOffset, nint length, uint flags);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FSync(int handle);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int handle);

    [LibraryImport("kernel32.dll", EntryPoint = "MoveFileExW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool MoveFileEx(string existing, string created, int flags);
}
