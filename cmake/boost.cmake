# Boost.Beast and Boost.Asio, by which server/http_server.cpp speaks HTTP; headers alone.
find_path(BOOST_INCLUDE_DIR boost/beast/http.hpp)
if(NOT BOOST_INCLUDE_DIR)
  message(FATAL_ERROR "No BOOST_INCLUDE_DIR. Run tools/setup.sh, or install libboost-dev.")
endif()
