"""What Microsoft's Python client sees. Prints one JSON object; fails with whatever went wrong."""

import json
import sys
from datetime import datetime, timedelta, timezone

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.filedatalake import (
    DataLakeServiceClient,
    DirectorySasPermissions,
    FileSystemSasPermissions,
    generate_directory_sas,
    generate_file_system_sas,
)

endpoint, account, key = sys.argv[1:4]
service = DataLakeServiceClient(endpoint, credential=key)
fs = service.create_file_system("python")
out = {}

file = fs.get_file_client("data/2025/a.csv")
file.create_file()
file.append_data(b"second", 6, 6)
file.append_data(b"first,", 0, 6)
file.flush_data(12)
out["content"] = file.download_file().readall().decode()
out["range"] = file.download_file(offset=6, length=3).readall().decode()
out["size"] = file.get_file_properties().size

big = bytes(range(256)) * 40_000
fs.get_file_client("big.bin").upload_data(big, overwrite=True, chunk_size=4 * 1024 * 1024, max_concurrency=2)
out["big"] = fs.get_file_client("big.bin").download_file().readall() == big

fs.create_directory("empty")
out["paths"] = [[path.name, path.is_directory, path.content_length] for path in fs.get_paths()]
out["folder"] = [path.name for path in fs.get_paths(path="data", recursive=False)]
out["pages"] = [[path.name for path in page] for page in fs.get_paths(max_results=2).by_page()]

moved = fs.get_directory_client("data").rename_directory("python/moved")
out["moved"] = [path.name for path in fs.get_paths(path="moved")]
out["renamed"] = moved.exists()

access = fs.get_directory_client("moved")
access.set_access_control(owner="me", permissions="rwxr-xr-x")
told = access.get_access_control()
out["access"] = [told["owner"], told["permissions"]]
out["acl"] = access.update_access_control_recursive("user:11:r-x").counters.directories_successful

file = fs.get_file_client("moved/2025/a.csv")
file.set_metadata({"hdi": "no"})
out["metadata"] = file.get_file_properties().metadata


def status(call):
    try:
        call()
        return "nothing"
    except (ResourceExistsError, ResourceNotFoundError, HttpResponseError) as error:
        return [error.status_code, error.response.headers["x-ms-error-code"]]


out["missing"] = status(lambda: fs.get_file_client("no").download_file())
out["full"] = status(lambda: fs.get_directory_client("moved")._client.path.delete(recursive=False))
out["flush"] = status(lambda: file.flush_data(99))
out["exists"] = status(lambda: fs.get_file_client("big.bin").create_file(match_condition=None, if_none_match="*"))
out["wrong_key"] = status(
    lambda: DataLakeServiceClient(endpoint, credential="d3Jvbmc=").get_file_system_client("python").get_file_system_properties()
)

soon = datetime.now(timezone.utc) + timedelta(hours=1)
sas = generate_directory_sas(account, "python", "moved", key, DirectorySasPermissions(read=True, list=True), soon)
scoped = DataLakeServiceClient(endpoint, credential=sas).get_file_system_client("python")
out["sas_read"] = scoped.get_file_client("moved/2025/a.csv").download_file().readall().decode()
out["sas_list"] = [path.name for path in scoped.get_paths(path="moved")]
out["sas_outside"] = status(lambda: scoped.get_file_client("big.bin").download_file())
out["sas_write"] = status(lambda: scoped.get_file_client("moved/x").create_file())
whole = generate_file_system_sas(account, "python", key, FileSystemSasPermissions(read=True, write=True, create=True, delete=True, list=True), soon)
writer = DataLakeServiceClient(endpoint, credential=whole).get_file_system_client("python")
writer.get_file_client("by-sas").upload_data(b"sas", overwrite=True)
writer.get_file_client("by-sas").rename_file("python/by-sas-2")
out["sas_rename"] = writer.get_file_client("by-sas-2").download_file().readall().decode()

fs.get_directory_client("moved").delete_directory()
out["left"] = [path.name for path in fs.get_paths()]
fs.delete_file_system()
out["gone"] = fs.exists()
print(json.dumps(out))
